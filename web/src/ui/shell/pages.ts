/** The pages that there are, in the order of the bar. One that is not needed at the start comes when it is opened. */
import { computed } from '@preact/signals'
import type { FunctionComponent } from 'preact'
import type { PageName } from '../../state/route.ts'
import { site } from '../../state/site.ts'
import { ChatPage } from '../chat/page.tsx'
import type { IconName } from '../parts/icons.tsx'

interface PageBase {
  name: PageName
  icon: IconName
}

/** A page is here from the start, or its code is fetched: `load: async () => (await import('../write/page.tsx')).WritePage`. */
export type Page = PageBase & ({ component: FunctionComponent } | { load: () => Promise<FunctionComponent> })

export const PAGES: readonly Page[] = [
  { name: 'chat', icon: 'chat', component: ChatPage },
  { name: 'compare', icon: 'compare', load: async () => (await import('../compare/page.tsx')).ComparePage },
  { name: 'write', icon: 'edit', load: async () => (await import('../write/page.tsx')).WritePage },
  { name: 'analyse', icon: 'analyse', load: async () => (await import('../analyse/page.tsx')).AnalysePage },
  { name: 'models', icon: 'box', load: async () => (await import('../models/page.tsx')).ModelsPage },
  { name: 'device', icon: 'chip', load: async () => (await import('../device/page.tsx')).DevicePage },
]

/** Those of this site, in its order; all of them in the playground. */
export const pages = computed<readonly Page[]>(() => {
  const wanted = site.value?.pages
  return wanted ? wanted.flatMap(name => PAGES.find(page => page.name === name) ?? []) : PAGES
})
