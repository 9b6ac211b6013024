/** Schemas and patterns to begin with. Small models fill in few and short fields best. */

export const SCHEMAS = {
  person: {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 40 },
      age: { type: 'integer', minimum: 0, maximum: 120 },
      job: { type: 'string', maxLength: 40 },
    },
    required: ['name', 'age', 'job'],
    additionalProperties: false,
  },
  list: {
    type: 'object',
    properties: {
      tasks: {
        type: 'array',
        minItems: 1,
        maxItems: 5,
        items: {
          type: 'object',
          properties: { title: { type: 'string', maxLength: 60 }, done: { type: 'boolean' } },
          required: ['title', 'done'],
          additionalProperties: false,
        },
      },
    },
    required: ['tasks'],
    additionalProperties: false,
  },
  rating: {
    type: 'object',
    properties: { rating: { enum: ['good', 'mixed', 'bad'] }, reason: { type: 'string', maxLength: 120 } },
    required: ['rating', 'reason'],
    additionalProperties: false,
  },
} as const

export const PATTERNS = {
  choice: '(yes|no)',
  date: '\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])',
  steps: '1\\. [^\\n]{1,80}\\n2\\. [^\\n]{1,80}\\n3\\. [^\\n]{1,80}',
} as const
