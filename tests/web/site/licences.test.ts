/** `licences.md` of a build: each licence once, with everybody who is under it. */
import { expect, test } from 'vitest'
import { licencesText } from '../../../web/licences.plugin.ts'

const TERMS = 'Permission is hereby granted, free of charge,\nto any person.'

test('packages of one licence share its text, and each keeps its lines of copyright', () => {
  const text = licencesText([
    {
      name: 'b',
      version: '2.0.0',
      licence: 'MIT',
      text: `The MIT License (MIT)\n\nCopyright (c) 2020 Bea\n\n${TERMS}\n`,
    },
    { name: 'a', version: '1.0.0', licence: 'MIT', text: `MIT License\r\n\r\nCopyright (c) 2018+ Al\r\n\r\n${TERMS}` },
    { name: 'c', version: '3.0.0', licence: 'ISC', text: '' },
  ])
  expect(text.split('Permission is hereby granted')).toHaveLength(2)
  expect(text).toContain('- a 1.0.0; Copyright (c) 2018+ Al\n- b 2.0.0; Copyright (c) 2020 Bea\n')
  expect(text).toContain('## ISC\n\n- c 3.0.0\n\nNo text in the package.')
})

test('what Apache-2.0 says behind its terms is not among them', () => {
  const terms = 'Apache License\n\nEND OF TERMS AND CONDITIONS'
  const own = `${terms}\n\n   APPENDIX: How to apply the Apache License to your work.\n\n   Copyright 2024 Ada\n`
  const text = licencesText([
    { name: 'a', version: '1.0.0', licence: 'Apache-2.0', text: terms },
    { name: 'b', version: '1.0.0', licence: '(MPL-2.0 OR Apache-2.0)', text: own },
  ])
  expect(text).toContain('## Apache-2.0, (MPL-2.0 OR Apache-2.0)\n\n- a 1.0.0\n- b 1.0.0; Copyright 2024 Ada\n')
  expect(text).not.toContain('APPENDIX')
})
