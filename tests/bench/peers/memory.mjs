/** Memory of a browser while it works: the sum over its processes of the proportional set size. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

const EVERY_MS = 500

/**
 * Watches the process `root` and all below it; `stop()` gives the largest sum seen in bytes, null where /proc is missing.
 * Shared pages count once over all processes (PSS, man 5 proc), which the resident size of each would not do.
 */
export function watchMemory(root) {
  let most = 0
  const look = () => {
    most = Math.max(most, sumOf(root))
  }
  look()
  const timer = setInterval(look, EVERY_MS)
  return {
    stop() {
      clearInterval(timer)
      look()
      return most > 0 ? most : null
    },
  }
}

function sumOf(root) {
  let entries
  try {
    entries = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  } catch {
    return 0 // no /proc on this system
  }
  const parents = new Map(entries.map(pid => [pid, parentOf(pid)]))
  const below = pid => {
    for (let at = pid; at && at !== '1'; at = parents.get(at)) if (at === String(root)) return true
    return false
  }
  return entries.filter(below).reduce((sum, pid) => sum + pssOf(pid), 0)
}

function parentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) \S+ (\d+) [\s\S]*$/, '$1')
  } catch {
    return null // it has ended since
  }
}

function pssOf(pid) {
  try {
    const kibibytes = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]
    return Number(kibibytes ?? 0) * 1024
  } catch {
    return 0
  }
}

/** The process whose command line has `argument`, the oldest of them; null where there is none or no /proc. */
export function findProcess(argument) {
  try {
    const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name) && commandOf(name).includes(argument))
    return pids.length > 0 ? Math.min(...pids.map(Number)) : null
  } catch {
    return null
  }
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}
