import { fakeEngine } from './fake.ts'
import { engineSuite } from './suite.ts'

engineSuite('the fake engine', async () => fakeEngine())
