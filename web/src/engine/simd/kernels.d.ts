declare module 'virtual:kernels/*' {
  /** A WASM file (web/kernels/plugin.ts). */
  const base64: string
  export default base64
}
