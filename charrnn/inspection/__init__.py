"""Looking inside: arrays in, arrays out. Nothing here prints or draws.

import charrnn
from charrnn.inspection.finding import find_cells
from charrnn.inspection.reading import signals_of
from charrnn.inspection.recording import record

model = charrnn.load("charrnn.npz")
recording = record(model, text, signals_of(model))
findings = find_cells(model, text)
"""
