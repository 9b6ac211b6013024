/** The engine's worker in a browser that calls its software GPU a real one: for the ladder from WebGPU to the CPU. */
import './hardware-gpu.ts'
import '../../../web/src/engine/worker.ts'
