import type { Text } from '../en/index.ts'

const number = (count: number) => count.toLocaleString('de')
const EXPORT = 'Das Modell noch einmal exportieren.'

const CALLS = {
  embeddings: 'Satzvektoren (engine.embed)',
  'text-classification': 'das Einordnen von Texten (engine.classify)',
  'token-classification': 'das Finden von Namen (engine.tag)',
}
const NEEDS = {
  embed: 'ein Modell für Satzvektoren wie MiniLM',
  classify: 'ein Modell, das Texte einordnet, wie DistilBERT für Stimmungen',
  tag: 'ein Modell, das Wörter einordnet, wie BERT für Namen',
}

export const engine: Text['engine'] = {
  'no-webgpu': () => 'Dieser Browser bietet kein WebGPU.',
  'no-adapter': () => 'Der Browser kennt WebGPU, fand dafür aber keinen Grafikprozessor.',
  'gpu-not-asked': () => 'Nach einem Grafikprozessor wurde nicht gefragt.',
  'emulated-adapter': ({ adapter }) =>
    `Der einzige Grafikprozessor (${adapter}) ist von Software nachgebildet und langsamer als der Hauptprozessor.`,
  'adapter-wrong': ({ adapter, said }) =>
    `Der Grafikprozessor (${adapter}) hat eine kleine Probe nicht bestanden: ${said}.`,
  'adapter-dead': ({ said }) => `Der Grafikprozessor ließ sich nicht starten (${said}).`,
  'adapter-lacks': ({ adapter, features }) => `Dem Grafikprozessor (${adapter}) fehlt: ${features}.`,
  'adapter-lost': ({ said }) =>
    `Der Grafikprozessor ist weggefallen (${said || 'ohne Angabe von Gründen'}). Noch einmal versuchen: Das Modell startet neu.`,
  'no-simd': () =>
    'Dieser Browser hat kein WebAssembly-SIMD. Einen neueren nehmen: Chrome oder Edge 91, Firefox 89, Safari 16.4.',
  'no-segmenter': () =>
    'Der Tokenizer dieses Modells braucht Intl.Segmenter. Einen neueren Browser nehmen: Chrome 87, Firefox 125, Safari 14.1.',
  'no-relaxed-simd': () => 'Relaxed SIMD gibt es auf diesem Gerät nicht, oder es rechnet mit 8 Bit nicht genau.',
  'no-disk': () =>
    'Dieser Browser gibt der Seite keinen eigenen Speicherplatz (ein privates Fenster?) und kann daher keine Modelle behalten.',

  'cannot-run': ({ model }) => `${model} läuft in diesem Browser nicht.`,
  'no-device': ({ model, device, other }) =>
    `${model} hat nichts für das Gerät „${device}“. „${other}“ oder „auto“ verlangen.`,
  'gpu-program': ({ variant }) => `„simd“ rechnet auf dem Hauptprozessor, und ${variant} ist für WebGPU.`,
  'no-program': ({ variant }) =>
    `${variant} hat kein Programm für „simd“: Die eigenen Rechenkerne kennen diese Modellfamilie nicht, oder ein älterer ` +
    `Exporter hat es gemacht. ${EXPORT}`,
  'wrong-program': ({ said }) =>
    `Das Programm des Modells passt nicht zu dieser Fassung (${said}). ${EXPORT} Oder SLM Playground erneuern.`,
  'unknown-parts': ({ parts }) => `Dieser Graph hat Teile, die die Engine nicht kennt (${parts}).`,
  'no-kernels': ({ said }) => `Dieser Browser kann die eigenen Rechenkerne nicht ausführen (${said}). Ihn erneuern.`,
  'no-cache': () => 'Dieser Graph führt keinen Cache, wie die Engine ihn kennt. Einen Export mit Cache nehmen.',
  'not-merged': () =>
    'Dieser Encoder-Decoder ist kein zusammengeführter Export mit Cache in 32-Bit-Zahlen. decoder_model_merged.onnx nehmen.',
  'no-start': ({ variant, said }) => `${variant} ließ sich nicht starten (${said}).`,
  'self-test': ({ variant }) => `${variant} hat den Selbsttest auf diesem Gerät nicht bestanden:`,
  'no-numbers': () => 'Die erste Antwort besteht nicht aus Zahlen.',
  'numbers-off': ({ by, allowed }) => `Die Zahlen liegen um ${decimal(by)} daneben; erlaubt ist ${decimal(allowed)}.`,
  'token-wrong': ({ place }) => `Token ${place} der Probeantwort ist falsch.`,
  'token-alone': () => 'Ein Token allein ergibt andere Zahlen als unter anderen.',
  'pieces-differ': ({ by }) => `Ein längerer Prompt ergibt am Stück und in Teilen um ${decimal(by)} andere Zahlen.`,
  'numbers-count': ({ found, expected }) => `Es kommen ${found} Zahlen statt ${expected}.`,

  'run-failed': ({ said }) => `ONNX Runtime konnte das Modell nicht ausführen (${said}).`,
  'call-failed': ({ said }) => `Die Engine konnte das nicht (${said}).`,
  'measuring-failed': ({ said }) => `Das Gerät ließ sich nicht vermessen (${said}).`,
  'keeping-failed': ({ said }) => `Der Browser konnte das Modell nicht behalten (${said}).`,
  'engine-stopped': ({ said }) =>
    `Die Engine ist unerwartet stehen geblieben${said && `: ${said}`}. Noch einmal versuchen; hilft das nicht, die Seite neu laden.`,
  'answer-unreadable': () =>
    'Die Engine schickte eine unlesbare Antwort. Noch einmal versuchen; hilft das nicht, die Seite neu laden.',
  'free-memory': () => 'Andere Tabs schließen oder ein kleineres Modell wählen.',
  'start-anew': () => 'Noch einmal versuchen: Das Modell startet neu.',
  'please-report': () => 'Die Seite neu laden; geschieht es wieder, bitte melden.',

  'no-model-there': ({ url }) =>
    `Unter ${url} ist kein Modell (manifest.json fehlt). Die Adresse prüfen oder das Modell exportieren.`,
  'no-graph-there': ({ url, graphs }) =>
    `Unter ${url} gibt es eine config.json, aber kein ${graphs}. Ein Verzeichnis nehmen, das transformers.js lädt, oder ` +
    'das Modell selbst exportieren: slm-export model QUELLE.',
  'odd-repository': ({ url, said }) => `${url}: ${said}. Ein Verzeichnis nehmen, das transformers.js laden kann.`,
  'not-asked': ({ url }) => `Nach ${url} ließ sich nicht fragen. Die Adresse prüfen.`,
  'no-answer': ({ path }) =>
    `${path} ließ sich nicht laden: Der Server antwortet nicht. Nachsehen, ob er noch läuft, dann noch einmal versuchen.`,
  'refused-file': ({ path, answer }) =>
    `${path} ließ sich nicht laden: Der Server antwortete ${answer}. Das Modell neu exportieren oder herunterladen.`,
  'download-broke': ({ path }) => `Die Verbindung brach ab, während ${path} geladen wurde. Noch einmal versuchen.`,
  'reading-broke': ({ path }) =>
    `Die Verbindung brach ab, während ${path} gelesen wurde. Nachsehen, ob der Server noch läuft, dann noch einmal versuchen.`,
  'changed-file': ({ path }) => `${path} hat sich beim Lesen geändert. Das Modell noch einmal laden.`,
  'wrong-checksum': ({ path }) => `${path} hat nicht die Prüfsumme aus dem Manifest.`,
  'wrong-whole': ({ path }) => `${path} hat nicht die Prüfsumme aus dem Manifest, obwohl die Teile ihre haben.`,
  'too-short': ({ path, bytes }) => `${path} ist kürzer als ${number(bytes)} Byte.`,
  'cut-short': ({ path, found, expected }) => `${path} endete nach ${number(found)} von ${number(expected)} Byte.`,
  'too-long': ({ path }) => `${path} ist länger, als das Manifest sagt.`,
  'changed-download': ({ path }) => `${path} hat sich beim Laden geändert.`,
  'download-again': () =>
    'Die Datei ist beschädigt oder abgeschnitten: das Modell noch einmal herunterladen oder exportieren.',
  'other-file': ({ path }) => `${path} ist nicht die Datei, die im Manifest steht. Den Ordner noch einmal kopieren.`,
  'short-file': ({ path, found, expected }) =>
    `${path} hat ${number(found)} Byte, das Programm erwartet ${number(expected)}. ${EXPORT}`,
  'no-manifest-chosen': () =>
    'Unter diesen Dateien ist keine manifest.json. Den Ordner eines exportierten Modells wählen.',
  'missing-file': ({ path }) => `${path} fehlt. Den ganzen Ordner des Modells wählen.`,
  'no-checksums': ({ model }) =>
    `Zu ${model} gibt es keine Prüfsummen, deshalb lässt es sich nicht sicher behalten. Es stattdessen in den Modellordner legen.`,
  'no-disk-room': ({ path, megabytes }) =>
    `Der Speicherplatz des Browsers für diese Seite reicht nicht für ${path || 'das Modell'}${megabytes > 0 ? ` (${number(megabytes)} MB)` : ''}. ` +
    'Modelle entfernen, die er behält und niemand braucht, oder Platz schaffen, dann noch einmal versuchen.',

  'not-json': ({ path }) =>
    `${path} ist kein JSON. Die Datei ist beschädigt: das Modell noch einmal exportieren oder herunterladen.`,
  'other-format': ({ path, known, found }) =>
    `${path}: Diese Fassung liest Format ${known}, gefunden wurde ${found}. Eine andere Fassung hat das Modell gemacht: ` +
    'SLM Playground erneuern oder das Modell noch einmal exportieren.',
  'bad-field': ({ path, field, expected, found }) =>
    `${path}: ${field}: erwartet ${expected}, gefunden ${found}. ${EXPORT}`,
  'missing-field': ({ field }) => `${field} fehlt. ${EXPORT}`,
  'unlisted-file': ({ path }) => `${path} steht nicht im Manifest. ${EXPORT}`,
  'missing-slot': ({ name }) => `Der Graph des Modells hat kein „${name}“. ${EXPORT}`,
  'other-layers': ({ layers }) =>
    `Der Graph des Modells hat nicht die ${layers} Schichten, die im Manifest stehen. ${EXPORT}`,
  'bad-template': () => `Die Chatvorlage des Modells ist unlesbar. ${EXPORT}`,
  'bad-tokenizer': () => `Der Tokenizer des Modells ist unlesbar. ${EXPORT}`,

  'no-heap': ({ megabytes }) =>
    `Der Browser gab nicht mehr Arbeitsspeicher her (${number(megabytes)} MB verlangt). Andere Tabs schließen.`,
  'no-heap-for-file': ({ path, megabytes }) =>
    `Der Browser hat keinen Platz für ${path} (${number(megabytes)} MB). Andere Tabs schließen, dann noch einmal versuchen.`,
  'no-gpu-memory': ({ variant, said }) =>
    `Der Grafikprozessor hat keinen Speicher für ${variant} (${said}). Andere Tabs schließen.`,
  'no-memory-for-text': ({ tokens }) =>
    `Für einen Text von ${number(tokens)} Token reicht der Arbeitsspeicher nicht. Ihn kürzen oder einen neuen Chat ` +
    'beginnen; andere Tabs zu schließen hilft auch.',
  'no-memory-for-chat': ({ megabytes }) =>
    `Der Browser hat keine ${number(megabytes)} MB mehr für dieses Gespräch. Ein neues beginnen oder andere Tabs schließen.`,
  'beyond-wasm': ({ megabytes }) =>
    `Dieses Modell braucht auf dem Hauptprozessor ${number(megabytes)} MB am Stück, mehr als die 4 GB von WebAssembly. Ein kleineres nehmen.`,
  'no-wasm-memory': ({ megabytes }) =>
    `Dieses Modell braucht auf dem Hauptprozessor ${number(megabytes)} MB am Stück, und der Browser hat sie nicht. ` +
    'Andere Tabs schließen oder ein kleineres nehmen.',
  'weights-fill-wasm': ({ gigabytes }) =>
    `Die Gewichte des Modells (${gigabytes.replace('.', ',')} GB) lassen in den 4 GB von WebAssembly keinen Platz. Ein kleineres nehmen.`,
  'beyond-budget': ({ needs, free }) =>
    `Das Modell braucht etwa ${number(needs)} MiB Arbeitsspeicher, ${number(free)} MiB sind frei. Ein kleineres wählen oder ein anderes schließen.`,

  'reads-only': ({ model, task }) =>
    `${model} liest Texte und schreibt keine; es ist für ${task ? CALLS[task] : 'etwas anderes'}. Ein Chatmodell laden.`,
  'cannot-read': ({ model, wanted }) => `${model} kann das nicht: Dafür braucht es ${NEEDS[wanted]}.`,
  'no-continuing': ({ model }) =>
    `${model} beantwortet Texte und setzt sie nicht fort: für Vorschläge ein Decoder-Modell laden.`,
  'no-chat-format': ({ model }) => `${model} setzt Texte fort und kennt keine Chats: ein Chatmodell laden.`,
  'odd-messages': ({ said }) => `Die Chatvorlage des Modells nimmt diese Nachrichten nicht an (${said}).`,
  'no-word-places': () =>
    'Dieser Tokenizer sagt nicht, wo Wörter stehen: Zum Einordnen von Wörtern braucht es einen WordPiece-Tokenizer.',
  'no-tools': ({ model }) =>
    `${model} hat in seiner Chatvorlage keinen Platz für Werkzeuge. Ein Modell nehmen, das dafür trainiert ist, etwa Qwen2.5, ` +
    'Llama 3.2 oder SmolLM3, oder die Werkzeuge weglassen.',
  'empty-prompt': () => 'Der Prompt ist leer: Das Modell braucht einen Anfang.',
  'prompt-too-long': ({ tokens, most }) =>
    `Der Prompt hat ${number(tokens)} Token, das Modell liest höchstens ${number(most)}. Ihn kürzen oder einen neuen Chat beginnen.`,

  'schema-not-json': ({ said }) => `Das JSON-Schema ist kein JSON: ${said}.`,
  'schema-unsupported': ({ where, advice }) => `${where}: Diesen Teil von JSON Schema gibt es hier nicht. (${advice})`,
  'schema-value': ({ where, expected, found }) => `${where}: erwartet ${expected}, gefunden ${found}.`,
  'schema-nothing-there': ({ where, ref }) => `${where}: Unter ${ref} steht nichts.`,
  'schema-involved': () =>
    'Ein Text müsste mehrere Bedingungen zugleich erfüllen (Muster, Länge, Format), die zu verwickelt sind. Eine davon weglassen.',
  'shape-impossible': () => 'Kein endlicher Text hat die gewünschte Form: Sie widerspricht sich oder hat kein Ende.',
  'pattern-unsupported': ({ where, what, pattern }) =>
    `${where}: Im Muster /${pattern}/ wird dies nicht unterstützt: ${what}.`,
  'not-a-pattern': ({ where, said }) => `${where} ist kein regulärer Ausdruck (${said}).`,
  'no-token-fits': () =>
    'Das Vokabular des Modells hat kein Token, mit dem die gewünschte Form weitergehen könnte. Eine andere Form verlangen oder ein anderes Modell nehmen.',
  'no-spelling': () =>
    'Der Tokenizer dieses Modells sagt nicht, für welche Bytes ein Token steht: Seine Antworten lassen sich an kein Schema und ' +
    'kein Muster halten. Ein anderes Modell nehmen oder die Form weglassen.',

  plain: ({ said }) => said,
}

function decimal(value: number): string {
  return value.toLocaleString('de', { minimumFractionDigits: 3, maximumFractionDigits: 3 })
}
