declare module 'virtual:kernels/*' {
  /** A WASM file (web/kernels/plugin.ts). */
  const base64: string
  export default base64
  /** Where the file says that its memory is a page's own (1) or shared by threads (3). */
  export const memoryKindAt: number
}
