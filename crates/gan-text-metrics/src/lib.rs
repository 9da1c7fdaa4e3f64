//! Scores of generated token sequences against real ones, and the controls that stand beside them.
