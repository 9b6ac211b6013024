/** Writes `licences.md`: the packages in the page and in its workers, each licence once with all that are under it. */
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Plugin } from 'vite'

export interface Package {
  name: string
  version: string
  /** As the package names it, such as `MIT`. */
  licence: string
  /** What its file of the licence says; empty where it has none. */
  text: string
}

const COPYRIGHT = /^\s*(?:copyright\b|all rights reserved\b)/i
/** Titles differ ("MIT License", "The MIT License (MIT)") where the words below them do not. */
const TITLE = /^\s*(?:(?:the )?(?:mit|isc|bsd 3-clause) licen[cs]e(?: \(\w+\))?:?)\s*$/i
/** Behind the terms of Apache-2.0: how to put them on a work of one's own. */
const APPENDIX = /^\s*APPENDIX: How to apply the Apache License/m

/** `build` goes among the plugins of the page, `worker` among those of its workers, which are bundled by themselves. */
export function licences(): { build: Plugin; worker: Plugin } {
  const folders = new Set<string>()
  const collect: Plugin['generateBundle'] = (_, bundle) => {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue
      for (const id of Object.keys(chunk.modules)) {
        const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id.split(path.sep).join('/'))?.[0]
        if (folder && !folder.startsWith('\0')) folders.add(folder)
      }
    }
  }
  let outDir = ''
  return {
    worker: { name: 'slm-licences-worker', apply: 'build', generateBundle: collect },
    build: {
      name: 'slm-licences',
      apply: 'build',
      configResolved(config) {
        outDir = path.resolve(config.root, config.build.outDir)
      },
      generateBundle: collect,
      async writeBundle() {
        await writeFile(path.join(outDir, 'licences.md'), licencesText([...folders].map(packageIn)))
      },
    },
  }
}

function packageIn(folder: string): Package {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find(entry => /^(?:licen[cs]e|copying)/i.test(entry))
  return { name, version, licence: license, text: file ? readFileSync(path.join(folder, file), 'utf8') : '' }
}

/** The list as Markdown: what differs between packages of one licence is their names and their lines of copyright. */
export function licencesText(packages: readonly Package[]): string {
  const groups = new Map<string, { text: string; packages: Package[] }>()
  const sorted = packages.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  for (const item of sorted) {
    const lines = item.text.split(/\r?\n/).filter(line => !COPYRIGHT.test(line) && !TITLE.test(line))
    const text = (lines.join('\n').split(APPENDIX)[0] ?? '').trim()
    const key = text.toLowerCase().replace(/[^a-z0-9]+/g, ' ') || `${item.name} without text`
    const group = groups.get(key) ?? { text, packages: [] }
    group.packages.push(item)
    groups.set(key, group)
  }
  const parts = [...groups.values()].map(({ text, packages: found }) => {
    const names = found.map(({ name, version, text: own }) => [`- ${name} ${version}`, ...copyrights(own)].join('; '))
    const titles = [...new Set(found.map(({ licence }) => licence))]
    return `## ${titles.join(', ')}\n\n${names.join('\n')}\n\n${text || 'No text in the package.'}\n`
  })
  return `# Licences of what is in the page\n\n${parts.join('\n')}`
}

function copyrights(text: string): string[] {
  const lines = text.split(/\r?\n/).filter(line => COPYRIGHT.test(line) && /\d{4}|\(c\)/i.test(line))
  return lines.map(line => line.trim())
}
