declare module 'virtual:kernels/*' {
  /** A WASM file, deflated without a head, as base64 (web/kernels/plugin.ts). */
  const packed: string
  export default packed
  /** Where the file says that its memory is a page's own (1) or shared by threads (3). */
  export const memoryKindAt: number
}
