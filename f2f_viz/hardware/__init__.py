"""The decoder as a circuit: gates, Verilog, waveforms, lanes."""
