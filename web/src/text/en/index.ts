/** English: one module per area of the page. */
import { chat } from './chat.ts'
import { compare } from './compare.ts'
import { controls } from './controls.ts'
import { insight } from './insight.ts'
import { loading } from './loading.ts'
import { shell } from './shell.ts'
import { suggest } from './suggest.ts'
import { trial } from './trial.ts'
import { trouble } from './trouble.ts'
import { write } from './write.ts'

export const text = { chat, compare, controls, insight, loading, shell, suggest, trial, trouble, write }

export type Text = typeof text
