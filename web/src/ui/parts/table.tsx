/** A table that scrolls sideways where it has no room, with the arrow keys too. */
import type { ComponentChildren } from 'preact'
import '../css/table.css'

interface TableProps {
  name: string
  columns: readonly string[]
  /** Rows. */
  children: ComponentChildren
}

export function Table({ name, columns, children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1)
    <section class="table-scroll" aria-label={name} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  )
}
