//! How good is a prediction: scores, intervals, calibration, and the protocol they were computed under.
