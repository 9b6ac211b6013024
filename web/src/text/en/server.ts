/** What the server says. In English it says it itself; other languages go by `kind` and `facts`. */
export interface ServerSentence {
  message: string
  /** Of the server's sentences (`sentences.py` in `slm_playground/library`, `data` and `desktop`); null for one without a kind. */
  kind: string | null
  facts: Readonly<Record<string, string | number>>
}

export const server = ({ message }: ServerSentence): string => message
