/** A site's accent colour as the page can use it: readable on every ground, in both themes. sRGB, contrast as WCAG 2.2 has it. */
import { effect } from '@preact/signals'
import { site } from './site.ts'

type Colour = readonly [red: number, green: number, blue: number]

/** The grounds of ui/tokens.css that the accent stands on, the least friendly ones. */
const GROUNDS = { light: ['#f1efe9', '#fbfaf7'], dark: ['#2a2e2b', '#161816'] } as const
const SOFT_SHARE = 0.12
/** WCAG: 4.5 for text; 7 where the reader asks for more contrast. */
const ENOUGH = 4.5
const MORE = 7
const STEPS = 50

export interface AccentTokens {
  accent: string
  /** Text on the accent. */
  ink: string
  /** A ground for text in the accent. */
  soft: string
}

/** @param least contrast that the accent must have with its grounds, and its own text with it */
export function accentTokens(chosen: string, theme: 'light' | 'dark', least = ENOUGH): AccentTokens {
  const [far, near]: [Colour, Colour] = theme === 'light' ? [BLACK, WHITE] : [WHITE, BLACK]
  const grounds = GROUNDS[theme].map(parse)
  const paper = grounds.at(-1) ?? near
  for (let step = 0; step <= STEPS; step++) {
    const accent = mix(parse(chosen), far, step / STEPS)
    const soft = mix(paper, accent, SOFT_SHARE)
    const ink = contrast(accent, WHITE) >= contrast(accent, BLACK) ? WHITE : BLACK
    if (![...grounds, soft].every(ground => contrast(accent, ground) >= least) || contrast(accent, ink) < least)
      continue
    return { accent: format(accent), ink: format(ink), soft: format(soft) }
  }
  return { accent: format(far), ink: format(near), soft: format(paper) }
}

/** Puts the site's accent over the page's own; does nothing where the site has none. */
export function keepAccent(): void {
  const wish = matchMedia('(prefers-contrast: more)')
  const apply = () => {
    const chosen = site.value?.accent
    if (!chosen) return
    const least = wish.matches ? MORE : ENOUGH
    const [light, dark] = [accentTokens(chosen.light, 'light', least), accentTokens(chosen.dark, 'dark', least)]
    const { style } = document.documentElement
    style.setProperty('--accent', `light-dark(${light.accent}, ${dark.accent})`)
    style.setProperty('--accent-ink', `light-dark(${light.ink}, ${dark.ink})`)
    style.setProperty('--accent-soft', `light-dark(${light.soft}, ${dark.soft})`)
  }
  wish.addEventListener('change', apply)
  effect(apply)
}

const WHITE: Colour = [255, 255, 255]
const BLACK: Colour = [0, 0, 0]

export function contrastOf(one: string, other: string): number {
  return contrast(parse(one), parse(other))
}

function contrast(one: Colour, other: Colour): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: Colour): number {
  const [red = 0, green = 0, blue = 0] = colour.map(value => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function mix(from: Colour, to: Colour, share: number): Colour {
  const at = (index: 0 | 1 | 2) => Math.round(from[index] + (to[index] - from[index]) * share)
  return [at(0), at(1), at(2)]
}

function parse(hex: string): Colour {
  const value = Number.parseInt(hex.slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

function format(colour: Colour): string {
  return `#${colour.map(value => value.toString(16).padStart(2, '0')).join('')}`
}
