/** English: one module per area of the page. */
import { analyse } from './analyse.ts'
import { attachments } from './attachments.ts'
import { chat } from './chat.ts'
import { compare } from './compare.ts'
import { controls } from './controls.ts'
import { data } from './data.ts'
import { desktop } from './desktop.ts'
import { device } from './device.ts'
import { embed } from './embed.ts'
import { engine } from './engine.ts'
import { grammar } from './grammar.ts'
import { insight } from './insight.ts'
import { loading } from './loading.ts'
import { machine } from './machine.ts'
import { models } from './models.ts'
import { server } from './server.ts'
import { shell } from './shell.ts'
import { site } from './site.ts'
import { suggest } from './suggest.ts'
import { trial } from './trial.ts'
import { trouble } from './trouble.ts'
import { write } from './write.ts'

export const text = {
  analyse,
  attachments,
  chat,
  compare,
  controls,
  desktop,
  data,
  device,
  embed,
  engine,
  grammar,
  insight,
  loading,
  machine,
  models,
  server,
  shell,
  site,
  suggest,
  trial,
  trouble,
  write,
}

export type Text = typeof text
