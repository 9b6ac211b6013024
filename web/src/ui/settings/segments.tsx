/** One of a few choices, as a row of segments. */

interface SegmentsProps<Choice extends string> {
  /** Of the group of radio buttons: unlike every other's. */
  name: string
  /** Choice → its words. */
  choices: Readonly<Record<Choice, string>>
  chosen: Choice
  onChoose: (choice: Choice) => void
}

export function Segments<Choice extends string>({ name, choices, chosen, onChoose }: SegmentsProps<Choice>) {
  const all = Object.keys(choices) as Choice[] // its keys are exactly the choices
  return (
    <div class="segments">
      {all.map(choice => (
        <label key={choice}>
          <input type="radio" name={name} checked={choice === chosen} onChange={() => onChoose(choice)} />
          <span>{choices[choice]}</span>
        </label>
      ))}
    </div>
  )
}
