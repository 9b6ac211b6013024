/** Named settings: choose, save, rename, delete with a way back, out to files and in from them. */
import { type Signal, useSignal } from '@preact/signals'
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
  const current = presets.value.find(({ name }) => name === chosen.value) ?? matching(settings)
  const onName = (name: string) => {
    const renamed = naming.value === 'rename' ? current : undefined
    if (renamed && !renamePreset(renamed.name, name)) {
      message.value = words.taken
      return
    }
    if (!renamed) {
      const isTaken = presets.value.some(preset => preset.name === name)
      const act = savePreset(name, settings)
      if (isTaken) undo.value = { text: words.saved(name), act }
    }
    message.value = words.saved(name)
    chosen.value = name
    naming.value = null
  }
  return (
    <div class="field presets">
      <label for={`${prefix}-preset`}>{words.choose}</label>
      <Choice
        {...{ settings, prefix, current, naming }}
        onChoose={found => {
          chosen.value = found?.name ?? null
          if (found) onChange(found.settings)
        }}
      />
      {naming.value === null ? null : (
        <NameForm
          id={`${prefix}-preset-name`}
          initial={naming.value === 'rename' ? (current?.name ?? '') : ''}
          onCancel={() => {
            naming.value = null
          }}
          onName={onName}
        />
      )}
      <div class="buttons">
        {current ? <PresetButtons {...{ current, settings, naming, chosen }} /> : null}
        <ImportButton message={message} />
      </div>
      <p class="small" role="status">
        {message.value}
      </p>
    </div>
  )
}

type Naming = Signal<'save' | 'rename' | null>

interface ChoiceProps {
  settings: ChatSettings
  prefix: string
  current: Preset | undefined
  naming: Naming
  onChoose: (preset: Preset | undefined) => void
}

function Choice({ settings, prefix, current, naming, onChoose }: ChoiceProps) {
  const words = text.value.controls.preset
  const isChanged = current !== undefined && !sameSettings(current.settings, settings)
  return (
    <div class="with-button">
      <select
        id={`${prefix}-preset`}
        value={current?.name ?? ''}
        onChange={event => onChoose(presets.value.find(({ name }) => name === event.currentTarget.value))}
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
  )
}

interface PresetButtonsProps {
  current: Preset
  settings: ChatSettings
  naming: Naming
  chosen: Signal<string | null>
}

function PresetButtons({ current, settings, naming, chosen }: PresetButtonsProps) {
  const words = text.value.controls.preset
  const { name } = current
  const remove = () => {
    undo.value = { text: words.removed(name), act: deletePreset(name) }
    announcement.value = words.removed(name)
    chosen.value = null
  }
  const toFile = () => saveFile(`${fileName(name)}.preset.json`, presetFile(current), 'application/json')
  return (
    <>
      {sameSettings(current.settings, settings) ? null : (
        <button type="button" class="quiet" onClick={() => savePreset(name, settings)}>
          {words.save}
        </button>
      )}
      <button
        type="button"
        class="quiet"
        onClick={() => {
          naming.value = 'rename'
        }}
      >
        {words.rename}
      </button>
      <button type="button" class="quiet" onClick={remove}>
        {words.remove}
      </button>
      <button type="button" class="quiet" onClick={toFile}>
        {words.exportFile}
      </button>
    </>
  )
}

function ImportButton({ message }: { message: Signal<string> }) {
  const words = text.value.controls.preset
  const picker = useRef<HTMLInputElement>(null)
  return (
    <>
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
        onChange={async ({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])]
          currentTarget.value = '' // the same file may be chosen again
          message.value = await importFiles(files)
        }}
      />
    </>
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
