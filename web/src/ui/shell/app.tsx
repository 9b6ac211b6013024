/** The page's frame: bar, the page that the address names, notices, and the live region that screen readers listen to. */
import { effect, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { announcement } from '../../state/announce.ts'
import { settingsOpen } from '../../state/controls.ts'
import { engine } from '../../state/engine.ts'
import { followLanguage } from '../../state/machine.ts'
import { followAddress } from '../../state/route.ts'
import { followOutside, refuseStrayFiles, tellLook } from '../../state/shell.ts'
import { site } from '../../state/site.ts'
import { text } from '../../text/index.ts'
import { Foot } from '../offline/foot.tsx'
import { UpdateNotice } from '../offline/update.tsx'
import { type Actors, ActorsContext } from '../parts/context.ts'
import { focusContent } from '../parts/focus.ts'
import { FallbackNotice, ProblemNotice, UndoNotice } from '../parts/notices.tsx'
import { ShellNotice } from '../parts/shell-notice.tsx'
import { SettingsDialog } from '../settings/settings.tsx'
import { Commands } from './commands.tsx'
import { Header } from './header.tsx'
import { currentPage, Outlet } from './outlet.tsx'
import { pages as shown } from './pages.ts'

export function App(actors: Actors) {
  const commandsOpen = useSignal(false)

  useEffect(followAddress, [])
  useEffect(followOutside, [])
  useEffect(refuseStrayFiles, [])
  useEffect(followLanguage, [])
  useEffect(tellLook, [])

  // At once, not with the next frame: what is said afterwards must come afterwards.
  useEffect(
    () =>
      effect(() => {
        if (engine.value) announcement.value = text.peek().shell.modelReady
      }),
    [],
  )

  useSignalEffect(() => {
    const { product, pages } = text.value.shell
    const { name } = currentPage()
    const title = site.value?.title ?? product
    document.title = name === shown.value[0]?.name ? title : `${pages[name]} · ${title}`
  })

  return (
    <ActorsContext.Provider value={actors}>
      <button type="button" class="skip" onClick={focusContent}>
        {text.value.shell.skip}
      </button>
      <Header settingsOpen={settingsOpen} commandsOpen={commandsOpen} />
      <main tabIndex={-1}>
        <ShellNotice />
        <FallbackNotice />
        <UpdateNotice />
        <Outlet />
        <ProblemNotice />
        <UndoNotice />
      </main>
      <Foot />
      <SettingsDialog open={settingsOpen} />
      <Commands open={commandsOpen} />
      <p class="visually-hidden" role="status" aria-live="polite">
        {announcement}
      </p>
    </ActorsContext.Provider>
  )
}
