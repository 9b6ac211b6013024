/** Files and texts for the pictures. */
import { writeFileSync } from 'node:fs'

const FILLER = [
  'Corn was ground in the valley mill from March until the first snow came down.',
  'Foxes hunt at dusk near the river, where the bank is low and the reeds are thick.',
  'The road to the harbour was paved in the year in which the church was given its bell.',
  'In winter the boats lie upside down on the beach, and the nets are mended indoors.',
]
const FACT = 'The old lighthouse keeper of Brenholm was called Magnus Tveit, and he kept nine goats.'
const LINES_OF_PAGE = 40

/** @param words about as many */
export function longText(words) {
  const sentences = Math.round(words / 15)
  return Array.from({ length: sentences }, (_, at) => FILLER[at % FILLER.length]).join(' ')
}

/** A PDF of many pages, with one sentence in it that is worth finding. */
export function pdf(path, pages = 24) {
  const parts = ['<</Type/Catalog/Pages 2 0 R>>', '', '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>']
  const kids = []
  for (let page = 0; page < pages; page++) {
    const lines = Array.from({ length: LINES_OF_PAGE }, (_, line) => FILLER[(page + line) % FILLER.length])
    if (page === Math.floor(pages / 2)) lines[LINES_OF_PAGE / 2] = FACT
    const shown = `BT /F1 11 Tf 50 760 Td 17 TL ${lines.map(line => `(${line}) Tj T*`).join(' ')} ET`
    const content = parts.push(`<</Length ${shown.length}>>stream\n${shown}\nendstream`)
    const box = '/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>'
    kids.push(parts.push(`<</Type/Page/Parent 2 0 R${box}/Contents ${content} 0 R>>`))
  }
  parts[1] = `<</Type/Pages/Kids[${kids.map(kid => `${kid} 0 R`).join(' ')}]/Count ${pages}>>`
  let text = '%PDF-1.4\n'
  const places = parts.map((part, index) => {
    const place = text.length
    text += `${index + 1} 0 obj${part}endobj\n`
    return place
  })
  const table = places.map(place => `${String(place).padStart(10, '0')} 00000 n \n`).join('')
  const trailer = `trailer<</Size ${parts.length + 1}/Root 1 0 R>>\nstartxref\n${text.length}\n%%EOF`
  writeFileSync(path, `${text}xref\n0 ${parts.length + 1}\n0000000000 65535 f \n${table}${trailer}`)
  return path
}
