import type { Text } from '../en/index.ts'
import type { ServerSentence } from '../en/server.ts'

/** Of each kind of `sentences.py` in `slm_playground/library`, `data` and `desktop`, with its facts in braces; a test holds the two together. */
export const SENTENCES: Readonly<Record<string, string>> = {
  'no-address': '{url} ist keine Adresse ({said}). Eine angeben, die mit https:// beginnt.',
  'not-https':
    'Modelle werden über https geholt (von diesem Rechner auch über http) und ohne Benutzernamen: nicht von {url}.',
  'too-large': '{url} ist größer als jede Beschreibung eines Modells. Die Adresse prüfen.',
  'no-text': '{url} ist kein Text. Die Adresse prüfen.',
  'not-json': '{url} ist kein JSON. Die Adresse prüfen.',
  private:
    '{url} verlangt eine Erlaubnis (HTTP {status}): Das Modell ist nicht öffentlich, oder seine Lizenz muss erst angenommen werden. Es selbst herunterladen und den Ordner hinzufügen.',
  'nothing-there': 'Unter {url} ist nichts. Die Schreibweise prüfen.',
  refused: '{url} wurde verweigert (HTTP {status}). Später noch einmal versuchen.',
  unreachable: '{host} ist nicht zu erreichen ({said}). Adresse und Netz prüfen, dann noch einmal versuchen.',
  'not-on-hub': 'Auf {hub} gibt es kein Modell {ref} mit dem Stand {revision}. Die Schreibweise prüfen.',
  'no-list': '{url} listet keine Dateien auf. Später noch einmal versuchen.',
  'too-many-files': '{url} listet zu viele Dateien für ein Modell auf. Ein anderes Verzeichnis wählen.',
  'escaping-file':
    'Das Verzeichnis nennt eine Datei {path}, die außerhalb seines Ordners läge. Nichts davon wird verwendet.',
  'no-model-there':
    'Unter {url} ist kein Modell: Es fehlt manifest.json. Die Adresse des Ordners eines exportierten Modells angeben oder die Kennung eines Verzeichnisses auf dem Hub (Besitzer/Name).',
  'no-graph':
    '{source} hat keinen ONNX-Graphen unter einem üblichen Namen (onnx/model….onnx). Ein ONNX-Verzeichnis wählen.',
  'manifest-not-json': 'Die manifest.json unter {url} ist kein JSON. Die Adresse prüfen.',
  'lacks-file':
    '{source} hat keine {path}, die ein Browser zum Ausführen braucht. Ein Verzeichnis für transformers.js wählen.',
  'needs-export':
    'Modelle der Art {kind_of_model} müssen erst exportiert werden: slm-export model QUELLE --out ORDNER.',
  'list-damaged': '{path}: Die Dateiliste ist beschädigt ({said}). Das Modell noch einmal hinzufügen.',
  'list-odd': '{path}: Die Dateiliste nennt keinen Graphen oder seltsame Pfade. Das Modell noch einmal hinzufügen.',
  'other-variants': '{model} hat diese Varianten: {names}.',
  'model-exists': 'Ein Modell namens {id} gibt es schon. Es erst löschen, dann dieses hinzufügen.',
  'no-origin':
    'SLM Playground hat dieses Modell nicht heruntergeladen und weiß daher nicht, woher seine Dateien sind. Es noch einmal exportieren oder kopieren.',
  downloading: '{model} wird schon heruntergeladen.',
  'other-files': 'Einige dieser Dateien gehören nicht zu diesem Modell.',
  'no-download': 'Diesen Download gibt es nicht mehr. Vielleicht ist er fertig: in der Liste der Modelle nachsehen.',
  'no-room':
    '{model} braucht {needed_mb} MB, und die Platte des Modellordners hat noch {free_mb} MB. Modelle löschen, die niemand braucht, oder Platz schaffen.',
  damaged: '{path} kam beschädigt an ({said}) Nichts davon wurde behalten. Später noch einmal versuchen.',
  'broke-often': 'Die Verbindung brach {times}-mal an derselben Stelle von {path} ab. Später noch einmal versuchen.',
  'folder-not-written':
    'In den Modellordner lässt sich nicht schreiben ({said}). Platz schaffen oder seine Rechte ändern, dann weitermachen.',
  'not-written': '{path} ließ sich nicht schreiben ({said}). Platz schaffen, dann weitermachen.',
  'file-count': 'Ein Modell hat zwischen einer und {most} Dateien; das sind {found}. Den Ordner eines Modells wählen.',
  'unsafe-file': 'Eine Datei heißt {path}, was sich nicht sicher speichern lässt. Sie umbenennen.',
  'no-room-for-files':
    'Die Platte des Modellordners hat noch {free_mb} MB, gebraucht werden {needed_mb} MB. Platz schaffen.',
  'not-begun': 'Dieses Hochladen wurde nicht begonnen. Die Dateien noch einmal hinzufügen.',
  'piece-missing': 'Davor fehlt ein Stück. Die Dateien noch einmal hinzufügen.',
  'upload-not-written': '{path} lässt sich nicht schreiben ({said}). Platz schaffen, dann noch einmal versuchen.',
  'bad-name': '{id} kann kein Modell heißen. Kleine Buchstaben, Ziffern, Punkte und Striche verwenden.',
  'bad-manifest': 'Das Manifest ist unbrauchbar: {said}',
  'file-differs':
    '{path} fehlt oder ist nicht so, wie manifest.json es angibt. Den ganzen Ordner noch einmal hinzufügen.',
  'no-model-files':
    'Diese Dateien enthalten weder eine manifest.json (ein exportiertes Modell) noch einen ONNX-Graphen unter einem üblichen Namen (onnx/model….onnx). Den Ordner eines Modells wählen.',
  'description-not-json': 'Eine Beschreibung im Ordner ist kein JSON ({said}). Den Ordner eines Modells wählen.',
  'in-use': '{path} lässt sich nicht löschen ({said}). Schließen, was es benutzt, dann noch einmal versuchen.',
  'not-in-trash':
    'Dieses Modell lässt sich nicht mehr zurückholen: Seine Dateien sind fort. Es noch einmal hinzufügen.',
  'no-model': 'Ein Modell dieses Namens gibt es nicht (mehr).',
  'data-moving': 'Der Datenordner wird gerade umgezogen. Warten, bis das fertig ist, dann noch einmal versuchen.',
  'data-downloads':
    'Ein Modell wird gerade heruntergeladen. Das erst auf der Seite der Modelle anhalten oder abbrechen.',
  'data-not-deleted':
    '{path} lässt sich nicht löschen ({said}). Schließen, was es benutzt, dann noch einmal versuchen.',
  'no-file-manager': 'Hier gibt es keine Dateiverwaltung, die {folder} öffnen könnte. Den Ordner selbst aufsuchen.',
  'move-running': 'Der Datenordner wird schon umgezogen. Warten, bis das fertig ist, oder es anhalten.',
  'move-no-path': 'Den vollständigen Pfad des neuen Ordners angeben, vom Anfang der Platte an.',
  'move-done-elsewhere': 'Ein anderer Server hat den Ordner schon umgezogen. Diesen neu starten.',
  'move-nested': '{target} und {folder} liegen ineinander. Einen eigenen Ordner wählen.',
  'move-to-file': '{target} ist eine Datei. Einen Ordner wählen.',
  'move-not-read': '{target} lässt sich nicht lesen ({said}). Einen anderen Ordner wählen.',
  'move-taken': '{target} enthält schon {names}, vielleicht von einem älteren Datenordner. Einen leeren wählen.',
  'move-not-written': 'In {target} lässt sich nicht schreiben ({said}). Einen anderen Ordner wählen.',
  'move-no-room':
    'Der Datenordner hat {needed_mb} MB, auf der Platte von {target} sind noch {free_mb} MB frei. Platz schaffen.',
  'move-differs':
    '{path} lässt sich nicht so zurücklesen, wie es geschrieben wurde. Nichts wurde geändert: Alles liegt noch in {folder}.',
  'move-changed':
    'Dateien haben sich beim Kopieren geändert: durch einen Download oder einen anderen Server. Nichts wurde geändert: Alles liegt noch in {folder}.',
  'move-link':
    '{path} verweist auf einen anderen Ort. Die Dateien von dort an seine Stelle legen, dann noch einmal versuchen. Nichts wurde geändert: Alles liegt noch in {folder}.',
  'move-failed': 'Der Umzug gelang nicht: {said}. Nichts wurde geändert: Alles liegt noch in {folder}.',
  'move-by-another': 'Ein anderer Server hat den Ordner inzwischen umgezogen. Die Seite neu laden.',
  'move-leftover':
    '{path} aus dem alten Ordner ist noch da ({said}). Der nächste Start versucht wieder, es zu löschen.',
  'move-now': 'Der Datenordner wird gerade umgezogen. Gleich noch einmal versuchen.',
  'copy-off': 'Die Kopie auf diesem Rechner ist ausgeschaltet. Sie in den Einstellungen einschalten.',
  'copy-no-room':
    'In {folder} ist kein Platz für Chats: Die Platte ist voll, oder die Datei hat ihre größte Größe erreicht. Platz schaffen; was hier fehlt, liegt im Browser und kommt später nach.',
  'copy-in-use': '{path} wird von einem anderen Programm benutzt. Gleich noch einmal versuchen.',
  'copy-newer':
    '{path} stammt von einer neueren Fassung von SLM Playground. Diese hier aktualisieren; bis dahin bleiben Chats im Browser.',
  'copy-not-written':
    'In {folder} lassen sich keine Chats aufbewahren ({said}). Sich dort Schreibrechte geben oder den Datenordner umziehen; bis dahin bleiben Chats im Browser.',
  'no-page-address': '{address} ist keine Adresse der App. Adressen sind slm:// und der Name einer Seite: slm://models',
  'no-folder-there': '{path} gibt es nicht. Den Ordner eines Modells angeben oder eine Adresse wie slm://models.',
  'bad-keys':
    '{keys} geht nicht. Strg, Alt oder Super angeben und dazu einen Buchstaben, eine Ziffer, F1 bis F12, die Leertaste oder einen Pfeil: Ctrl+Alt+Space.',
  'choices-not-kept':
    'In {folder} lässt sich nicht schreiben ({said}), das wäre also vergessen. Platz schaffen oder die Rechte ändern, dann noch einmal versuchen.',
  'update-no-address':
    'Diese Fassung der App nennt keine Adresse, die ihre neueste Version kennt. Dort fragen, woher sie kam.',
  'update-not-https':
    'Nach neuen Versionen wird nur über https gesehen, also nicht unter {url}. Das denen sagen, die diese App gepackt haben.',
  'update-unreachable': '{host} ist nicht zu erreichen ({said}). Das Netz prüfen, dann noch einmal versuchen.',
  'update-slow': '{host} hat in {seconds} Sekunden nicht geantwortet. Später noch einmal versuchen.',
  'update-refused':
    '{host} sagt es gerade nicht (HTTP {status}): Vielleicht wurde aus diesem Netz zu oft gefragt. Später noch einmal versuchen.',
  'update-none':
    '{url} kennt keine Version (HTTP 404). Dort ist noch keine erschienen, oder die Adresse ist jetzt eine andere: dort fragen, woher die App kam.',
  'update-unclear':
    'Die Antwort von {host} nennt keine Version. Vielleicht ist es die Anmeldeseite eines Netzes: eine Website öffnen, dann noch einmal versuchen.',
}

/** A sentence of a newer server, or without a kind, stays as the server says it. */
export const server: Text['server'] = ({ message, kind, facts }: ServerSentence) => {
  const sentence = kind !== null && Object.hasOwn(SENTENCES, kind) ? SENTENCES[kind] : undefined
  return sentence?.replace(/\{(\w+)\}/g, (whole, name: string) => String(facts[name] ?? whole)) ?? message
}
