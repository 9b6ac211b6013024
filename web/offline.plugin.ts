/** Gives the service worker the list of the page's files with their SHA-256, once all of them are written. */
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Plugin } from 'vite'

const PLACE = '__SLM_FILES__'
/** For other pages (slm.js), for people (types), for the server (compressed siblings), and the worker itself. */
const LEFT_OUT = /^(slm\.js|slm-chat\.js|slm\.d\.ts|sw\.js|chunks\.json|licences\.md|screenshots\/.*|.*\.(br|gz))$/

export function offline(): Plugin {
  let outDir = ''
  return {
    name: 'slm-offline',
    apply: 'build',
    configResolved(config) {
      outDir = path.resolve(config.root, config.build.outDir)
    },
    writeBundle: {
      order: 'post',
      sequential: true, // after the runtime's files are there, before the compressed ones are made
      async handler() {
        const entries = await readdir(outDir, { recursive: true, withFileTypes: true })
        const paths = entries
          .filter(entry => entry.isFile())
          .map(({ parentPath, name }) => path.relative(outDir, path.join(parentPath, name)).split(path.sep).join('/'))
          .filter(name => !LEFT_OUT.test(name))
          .sort()
        const lines = await Promise.all(paths.map(async name => `${name} ${await integrity(path.join(outDir, name))}`))
        const file = path.join(outDir, 'sw.js')
        const source = await readFile(file, 'utf8')
        if (source.split(PLACE).length !== 2) throw new Error(`sw.js has no place for the list of files (${PLACE})`)
        await writeFile(
          file,
          source.replace(PLACE, () => lines.join('|')),
        )
      },
    },
  }
}

async function integrity(file: string): Promise<string> {
  return `sha256-${createHash('sha256')
    .update(await readFile(file))
    .digest('base64')}`
}
