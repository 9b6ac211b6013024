/** The module `/slm-chat.js`: a page that loads it has `<slm-chat>`. On top of `slm.js`, which it shares its code with. */
import { SlmChatElement } from './element.ts'

export { SlmChatElement }

if (!customElements.get('slm-chat')) customElements.define('slm-chat', SlmChatElement)
