/** Texts to try, each with what is asked of it. Written for this page. */
import type { Kind } from '../../tasks/analyse/kinds.ts'

export interface Example {
  text: string
  question?: string
}

const BRIDGE =
  'The Tay Bridge disaster occurred during a violent storm on Sunday 28 December 1879. The first rail bridge over the Tay ' +
  'collapsed as a train from Burntisland to Dundee passed over it. All aboard were killed. The bridge had been designed by ' +
  'Sir Thomas Bouch. The official inquiry found that it was badly designed, badly built and badly maintained. Bouch died ' +
  'within a year of the disaster. A new bridge, built beside the remains of the first, was opened in 1887.'

export const EXAMPLES: Readonly<Record<Kind, Example>> = {
  sentiment: {
    text:
      'The guide was friendly and knew everything about the old town. The bus left at nine. Lunch was cold, and the waiter was ' +
      'rude when we told him. The view from the tower made up for all of it, I loved every minute!',
  },
  names: {
    text:
      'Tim Cook, who runs Apple in Cupertino, met Angela Merkel in Berlin last Tuesday. Reuters wrote that they walked along ' +
      'the Spree and talked about a plant for $2.5 billion, which is to open in May 2027.',
  },
  question: { text: BRIDGE, question: 'Who designed the bridge?' },
  summary: { text: BRIDGE },
  translation: { text: 'Good morning. Where is the station? The train to Paris leaves at ten.' },
}
