/**
 * A program's steps as nodes that the machine has an op for: an addition becomes the end of the matrix product before it,
 * an activation takes in the product with its gate, a factor goes into the embedding. Knows no addresses.
 */
import { type Program, type Step, valuesOf } from './program.ts'

export type Node =
  | (Extract<Step, { op: 'embed' }> & { factor: number })
  | (Extract<Step, { op: 'linear' }> & { plus: number | null })
  | (Extract<Step, { op: 'activate' }> & { gated: number | null })
  | Exclude<Step, { op: 'embed' | 'linear' | 'activate' }>

/** Nodes that give the same values as the steps, but for those values that are only on the way. */
export function fuse({ steps, logits }: Program): Node[] {
  const uses = countUses(steps, logits)
  const nodes: Node[] = []
  const makers = new Map<number, number>() // value → index of the node that makes it
  for (const step of steps) {
    const into = target(step, value => {
      const index = makers.get(value)
      const maker = index === undefined ? undefined : nodes[index]
      return index !== undefined && maker && uses.get(value) === 1 ? { index, node: maker } : null
    })
    if (into?.reads.every(value => (makers.get(value) ?? Number.POSITIVE_INFINITY) < into.index)) {
      nodes[into.index] = into.node
      makers.set(step.to, into.index)
    } else {
      makers.set(step.to, nodes.length)
      nodes.push(plain(step))
    }
  }
  return nodes
}

interface Maker {
  index: number
  node: Node
}

/** The node that can do this step too, and which values it then reads besides. */
function target(step: Step, sole: (value: number) => Maker | null): (Maker & { reads: number[] }) | null {
  const { to } = step
  switch (step.op) {
    case 'scale': {
      const maker = sole(step.value)
      if (maker?.node.op !== 'embed') return null
      return { index: maker.index, node: { ...maker.node, factor: maker.node.factor * step.factor, to }, reads: [] }
    }
    case 'add':
      return latest(
        [
          [step.left, step.right],
          [step.right, step.left],
        ].map(([value = 0, other = 0]) => {
          const maker = sole(value)
          if (maker?.node.op !== 'linear' || maker.node.plus !== null) return null
          return { index: maker.index, node: { ...maker.node, plus: other, to }, reads: [other] }
        }),
      )
    case 'multiply': {
      const maker = sole(step.left)
      if (maker?.node.op !== 'activate' || maker.node.gated !== null) return null
      return { index: maker.index, node: { ...maker.node, gated: step.right, to }, reads: [step.right] }
    }
    default:
      return null
  }
}

/** Of two that could, the one that runs last: what it adds is there by then. */
function latest<T extends Maker>(found: (T | null)[]): T | null {
  return found.reduce((best, each) => (each && (!best || each.index > best.index) ? each : best), null)
}

/** The values that a node reads; a matrix product's input is the first. */
export function readsOf(node: Node): number[] {
  if (node.op === 'linear' && node.plus !== null) return [node.value, node.plus]
  if (node.op === 'activate' && node.gated !== null) return [node.value, node.gated]
  return valuesOf(node)
}

function plain(step: Step): Node {
  switch (step.op) {
    case 'embed':
      return { ...step, factor: 1 }
    case 'linear':
      return { ...step, plus: null }
    case 'activate':
      return { ...step, gated: null }
    default:
      return step
  }
}

function countUses(steps: readonly Step[], logits: number): Map<number, number> {
  const uses = new Map<number, number>([[logits, 1]])
  for (const value of steps.flatMap(valuesOf)) uses.set(value, (uses.get(value) ?? 0) + 1)
  return uses
}
