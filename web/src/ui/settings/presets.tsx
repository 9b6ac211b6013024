/** Named settings: choose, save, rename, delete with a way back, out to files and in from them. */
import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { announcement, undo } from '../../state/announce.ts'
import {
  deletePreset,
  type ImportProblem,
  type Preset,
  presetFile,
  presets,
  readPresetFile,
  renamePreset,
  savePreset,
} from '../../state/presets.ts'
import { type ChatSettings, sameSettings } from '../../tasks/chat.ts'
import { text } from '../../text/index.ts'
import { saveFile } from '../parts/files.ts'

interface PresetsProps {
  settings: ChatSettings
  prefix: string
  onChange: (settings: ChatSettings) => void
}

export function Presets({ settings, prefix, onChange }: PresetsProps) {
  const words = text.value.controls.preset
  const chosen = useSignal<string | null>(null)
  const naming = useSignal<'save' | 'rename' | null>(null)
  const message = useSignal('')
  const picker = useRef<HTMLInputElement>(null)
  const current = presets.value.find(({ name }) => name === chosen.value) ?? matching(settings)
  const isChanged = current !== undefined && !sameSettings(current.settings, settings)
  const remove = (name: string) => {
    undo.value = { text: words.removed(name), act: deletePreset(name) }
    announcement.value = words.removed(name)
    chosen.value = null
  }
  return (
    <div class="field presets">
      <label for={`${prefix}-preset`}>{words.choose}</label>
      <div class="with-button">
        <select
          id={`${prefix}-preset`}
          value={current?.name ?? ''}
          onChange={event => {
            const found = presets.value.find(({ name }) => name === event.currentTarget.value)
            chosen.value = found?.name ?? null
            if (found) onChange(found.settings)
          }}
        >
          <option value="">{words.none}</option>
          {presets.value.map(({ name }) => (
            <option key={name} value={name}>
              {isChanged && name === current?.name ? words.changed(name) : name}
            </option>
          ))}
        </select>
        <button
          type="button"
          class="secondary"
          onClick={() => {
            naming.value = 'save'
          }}
        >
          {words.saveAs}
        </button>
      </div>
      {naming.value === null ? null : (
        <NameForm
          id={`${prefix}-preset-name`}
          initial={naming.value === 'rename' ? (current?.name ?? '') : ''}
          onCancel={() => {
            naming.value = null
          }}
          onName={name => {
            const renames = naming.value === 'rename' && current
            if (renames && !renamePreset(current.name, name)) {
              message.value = words.taken
              return
            }
            if (!renames) savePreset(name, settings)
            message.value = words.saved(name)
            chosen.value = name
            naming.value = null
          }}
        />
      )}
      <div class="buttons">
        {current ? (
          <>
            {isChanged ? (
              <button type="button" class="quiet" onClick={() => savePreset(current.name, settings)}>
                {words.save}
              </button>
            ) : null}
            <button
              type="button"
              class="quiet"
              onClick={() => {
                naming.value = 'rename'
              }}
            >
              {words.rename}
            </button>
            <button type="button" class="quiet" onClick={() => remove(current.name)}>
              {words.remove}
            </button>
            <button
              type="button"
              class="quiet"
              onClick={() => saveFile(`${fileName(current.name)}.preset.json`, presetFile(current), 'application/json')}
            >
              {words.exportFile}
            </button>
          </>
        ) : null}
        <button type="button" class="quiet" onClick={() => picker.current?.click()}>
          {words.importFile}
        </button>
        <input
          ref={picker}
          type="file"
          accept=".json,application/json"
          multiple
          hidden
          aria-label={words.importFile}
          onChange={async event => {
            const { files } = event.currentTarget
            if (files) message.value = await importFiles([...files])
            event.currentTarget.value = ''
          }}
        />
      </div>
      <p class="small" role="status">
        {message.value}
      </p>
    </div>
  )
}

interface NameFormProps {
  id: string
  initial: string
  onName: (name: string) => void
  onCancel: () => void
}

function NameForm({ id, initial, onName, onCancel }: NameFormProps) {
  const words = text.value.controls.preset
  const name = useSignal(initial)
  const done = () => {
    if (name.value.trim()) onName(name.value.trim())
  }
  return (
    <div class="with-button">
      <input
        id={id}
        type="text"
        aria-label={words.name}
        placeholder={words.name}
        maxLength={60}
        value={name.value}
        ref={input => input?.focus()}
        onInput={event => {
          name.value = event.currentTarget.value
        }}
        onKeyDown={event => {
          if (event.isComposing) return
          if (event.key === 'Enter') done()
          else if (event.key === 'Escape') onCancel()
          else return
          event.preventDefault() // it would close the dialog
          event.stopPropagation()
        }}
      />
      <button type="button" class="secondary" disabled={!name.value.trim()} onClick={done}>
        {words.save}
      </button>
      <button type="button" class="quiet" onClick={onCancel}>
        {words.cancel}
      </button>
    </div>
  )
}

/** Adds what the files hold, and says what was wrong with the others. */
async function importFiles(files: readonly File[]): Promise<string> {
  const words = text.value.controls.preset
  let added = 0
  const problems: string[] = []
  for (const file of files) {
    const found = readPresetFile(await file.text())
    if ('kind' in found) problems.push(problemWords(file.name, found))
    else {
      savePreset(found.name, found.settings)
      added++
    }
  }
  return [...(added > 0 ? [words.imported(added)] : []), ...problems].join(' ')
}

function problemWords(file: string, problem: ImportProblem): string {
  const { wrong } = text.value.controls.preset
  return problem.kind === 'wrong-settings'
    ? wrong['wrong-settings'](file, problem.names.join(', '))
    : wrong[problem.kind](file)
}

/** After a reload the preset is known again by what it sets. */
function matching(settings: ChatSettings): Preset | undefined {
  return presets.value.find(preset => sameSettings(preset.settings, settings))
}

function fileName(name: string): string {
  return (
    name
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')
      .toLowerCase() || 'preset'
  )
}
