/** The page that the address names; while its code comes it says so, and where it does not come it says what to do. */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import type { FunctionComponent } from 'preact'
import { useErrorBoundary } from 'preact/hooks'
import { route } from '../../state/route.ts'
import { text } from '../../text/index.ts'
import { MissingPart } from '../parts/missing.tsx'
import { type Page, pages } from './pages.ts'

/** The chat where the address names a page that does not exist. */
export function currentPage(): Page {
  const [first] = pages.value
  const page = pages.value.find(({ name }) => name === route.value.page) ?? first
  if (!page) throw new Error('There is no page.')
  return page
}

/** Code that has come stays: going back to a page shows it at once. */
const fetched = new Map<string, FunctionComponent>()

export function Outlet() {
  const page = currentPage()
  return <Content key={page.name} page={page} />
}

function Content({ page }: { page: Page }) {
  const component = useSignal<FunctionComponent | null>('component' in page ? page.component : null)
  const failed = useSignal(false)
  const [broken] = useErrorBoundary()
  useFetched(page, component, failed)
  const name = text.value.shell.pages[page.name]
  if (broken || failed.value) return <MissingPart name={name} detail={broken ? String(broken) : ''} />
  const Component = component.value
  if (Component) return <Component />
  return (
    <p class="page-status" role="status">
      {text.value.shell.pageLoading(name)}
    </p>
  )
}

function useFetched(page: Page, component: Signal<FunctionComponent | null>, failed: Signal<boolean>): void {
  useSignalEffect(() => {
    if (!('load' in page)) return
    const known = fetched.get(page.name)
    if (known) {
      component.value = known
      return
    }
    page.load().then(
      loaded => {
        fetched.set(page.name, loaded)
        component.value = loaded
      },
      () => {
        failed.value = true
      },
    )
  })
}
