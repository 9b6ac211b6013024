/**
 * Formats of JSON Schema as patterns, each describing texts that have the format for certain (not always all of them).
 * Others are annotations, as the specification has it: they promise nothing and are not enforced.
 */
const DATE =
  '[0-9]{4}-(((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01]))|((0[469]|11)-(0[1-9]|[12][0-9]|30))|(02-(0[1-9]|1[0-9]|2[0-8])))'
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])'
const BYTE = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
const LABEL = '[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?'
const HOST = `${LABEL}(\\.${LABEL}){0,3}`

const FORMATS: Record<string, string> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}T${TIME}`,
  duration:
    'P([0-9]{1,4}W|[0-9]{1,4}D(T[0-9]{1,4}H)?|T([0-9]{1,4}H([0-9]{1,4}M)?|[0-9]{1,4}M([0-9]{1,4}S)?|[0-9]{1,4}S))',
  email: `[A-Za-z0-9]+([._+-][A-Za-z0-9]+){0,3}@${LABEL}(\\.${LABEL}){1,3}`,
  hostname: HOST,
  ipv4: `${BYTE}(\\.${BYTE}){3}`,
  ipv6: '([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}',
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  uri: `https?://${HOST}(:[1-9][0-9]{1,3})?(/[A-Za-z0-9._~-]{1,40}){0,8}/?`,
}

/** Anchored; null for a format that promises nothing. */
export function formatPattern(format: string): string | null {
  const pattern = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  return pattern === undefined ? null : `^(${pattern})$`
}
