/** What stands in prose and is none: addresses, names of files and of what programs are made of. Patterns for words.ts. */

/** Behind an address or a path the signs of its sentence are none of it. */
const REST = String.raw`[^\s<>"“”]*[^\s<>"“”.,;:!?)\]’']`
const NAME = String.raw`[\p{L}\p{N}_-]+`
/** No word before it that it could be the end of. */
const ALONE = String.raw`(?<![\p{L}\p{N}_./\\-])`
const ENDED = String.raw`(?![\p{L}\p{N}])`

/** Endings of names of hosts; those that are English words, too (it, at, be, no, us), are known behind “co.” and the like only. */
const DOMAINS =
  'com|org|net|io|dev|edu|gov|info|biz|app|ai|eu|uk|de|fr|es|nl|ch|ca|au|nz|jp|cn|br|pl|cz|dk|fi|ie|pt|gr|hu|ro|se|rs|tv'
const SHARED = String.raw`(?:co|com|org|net|ac|gov|edu)\.[a-z]{2}`
/** Endings of names of files. */
const FILES =
  'md|txt|rst|tex|pdf|docx?|odt|rtf|xlsx?|pptx?|csv|tsv|json|jsonl|ya?ml|toml|ini|cfg|conf|xml|html?|s?css|jsx?|mjs|tsx?|py|ipynb|rb|java|kt|cpp|hpp|cs|rs|go|php|sh|bat|exe|sql|png|jpe?g|gif|svg|webp|mp3|mp4|wav|mov|zip|gz|tar|onnx|wasm|safetensors'

/** Web and mail addresses, mentions, tags, names of hosts. */
export const LINK = [
  String.raw`(?:https?:\/\/|www\.)${REST}`,
  String.raw`(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`,
  String.raw`(?<![\p{L}\p{N}])[@#][\p{L}\p{N}_]+(?:[.-][\p{L}\p{N}_]+)*`,
  String.raw`${ALONE}[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.(?:${SHARED}|${DOMAINS})${ENDED}(?:\/(?:${REST})?)?`,
].join('|')

/** Marked as code, paths, files, names with underscores or capitals within, calls, versions, C# and C++. */
export const CODE = [
  '`[^`\\n]+`|``[^\\n]+?``',
  String.raw`(?<![\p{L}\p{N}])[A-Za-z]:[\\/](?:${REST})?`,
  String.raw`\\(?:${REST})?`,
  String.raw`${ALONE}(?:(?:~|\.{1,2})\/${NAME}(?:[/.]${NAME})*|\/${NAME}(?:[/.]${NAME})+)\/?`,
  String.raw`${ALONE}\.?(?:[\p{L}\p{N}_.-]+\/)*${NAME}(?:\.${NAME})*\.(?:${FILES})${ENDED}`,
  String.raw`${ALONE}[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}\p{N}_]+)*\(\)`,
  String.raw`[\p{L}\p{N}]+(?:_+[\p{L}\p{N}]+)+`,
  String.raw`(?<![\p{L}\p{N}])(?!(?:the|and)\p{Lu})\p{Ll}{2,}(?:\p{Lu}\p{Ll}+)+${ENDED}`,
  String.raw`(?<![\p{L}\p{N}.])(?:v\p{N}+(?:\.\p{N}+)*|\p{N}+(?:\.\p{N}+){2,})(?:-\p{L}[\p{L}\p{N}.]*[\p{L}\p{N}])?${ENDED}`,
  String.raw`(?<![\p{L}\p{N}])[CFJ](?:#|\+\+)`,
].join('|')
