/** A component that renders again only when `same` says that its properties differ (Preact's core has no memo). */
import { Component, type ComponentChild, type FunctionComponent } from 'preact'

export function memo<P extends object>(
  render: (props: P) => ComponentChild,
  same: (before: P, after: P) => boolean,
): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !same(this.props, next)
    }

    override render() {
      return render(this.props)
    }
  }
  return Memo as unknown as FunctionComponent<P> // a class component is used in JSX exactly like a function
}
