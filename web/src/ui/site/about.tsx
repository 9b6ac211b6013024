/** Whose page this is, what runs in it, and what becomes of what is typed. */
import { type Signal, useSignal } from '@preact/signals'
import { modelList } from '../../state/models.ts'
import { type Site, site } from '../../state/site.ts'
import { text } from '../../text/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { bytes } from '../parts/format.ts'
import '../css/site.css'

/** In the page's last line: that nothing leaves the device, and the way to more. Nothing in the playground. */
export function SiteLine() {
  const open = useSignal(false)
  const words = text.value.site
  const current = site.value
  if (!current) return null
  return (
    <>
      <span class="site-private">{words.private}</span>
      <button
        type="button"
        class="quiet"
        aria-haspopup="dialog"
        onClick={() => {
          open.value = true
        }}
      >
        {words.about}
      </button>
      <About site={current} open={open} />
    </>
  )
}

function About({ site: { title, description, author, links, licence }, open }: { site: Site; open: Signal<boolean> }) {
  const words = text.value.site
  return (
    <Dialog open={open} title={words.about} closeLabel={words.close}>
      <div class="site-about">
        <h3>{title}</h3>
        {description ? <p class="site-text">{description}</p> : null}
        {author ? (
          <p>
            {words.by} {author.url ? <Outside href={author.url} label={author.name} /> : author.name}
          </p>
        ) : null}
        <p>
          <strong>{words.private}</strong> {words.explains}
        </p>
        <Models />
        {links.length > 0 ? (
          <>
            <h3>{words.links}</h3>
            <ul>
              {links.map(({ label, href }) => (
                <li key={href}>
                  <Outside href={href} label={label} />
                </li>
              ))}
            </ul>
          </>
        ) : null}
        <p class="small">
          {licence ? `${words.licence}: ${licence}. ` : ''}
          {words.made}
        </p>
      </div>
    </Dialog>
  )
}

function Models() {
  const words = text.value.site
  const known = new Map((modelList.value?.models ?? []).map(model => [model.name, model]))
  return (
    <>
      <h3>{words.models}</h3>
      <ul>
        {(site.value?.models ?? []).map(({ id, name, bytes: most }) => (
          <li key={id}>{words.model(name, known.get(name)?.licence ?? '', bytes(most)).replace(', , ', ', ')}</li>
        ))}
      </ul>
    </>
  )
}

/** A new tab, so that the conversation stays; the site asks nothing of where it leads. */
function Outside({ href, label }: { href: string; label: string }) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {label}
    </a>
  )
}
