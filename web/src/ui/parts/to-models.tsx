/** From where a model is missing to the page that has them. Not there on a site without that page. */
import { href } from '../../state/route.ts'
import { site } from '../../state/site.ts'

export function ToModels({ words }: { words: string }) {
  if (site.value?.pages.includes('models') === false) return null
  return (
    <a class="to-models" href={href('models')}>
      {words}
    </a>
  )
}
