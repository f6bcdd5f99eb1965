"""New parts from a fitted model: pores drawn, placed and rendered."""
