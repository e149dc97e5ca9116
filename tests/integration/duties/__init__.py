"""What a good parent does, by topic. Tried on us by test_duties.py, on the peers too by table.py."""
from duties import ends, inheritance, signals, stops, terminals
from duties.duty import DUTIES
