/** A sentence in which what stands between backticks is to be typed as it is: commands, names of files. */
export function Ticked({ words }: { words: string }) {
  return <>{words.split('`').map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part))}</>
}
