//! The sensors of the simulated engine.

/// How one sensor depends on regime and damage; six values are for the regimes in the order of [`super::engine`].
pub(super) struct SimulatedSensor {
    /// Digits after the decimal point in the files.
    pub(super) decimals: usize,
    /// Deviation of the measurement noise.
    pub(super) noise: f64,
    /// Mean of new units.
    pub(super) base: [f64; 6],
    /// Change from new to failure where the high-pressure compressor wears.
    pub(super) compressor: [f64; 6],
    /// Change from new to failure where the fan wears.
    pub(super) fan: [f64; 6],
}

impl SimulatedSensor {
    const fn constant(decimals: usize, base: [f64; 6]) -> Self {
        Self {
            decimals,
            noise: 0.0,
            base,
            compressor: [0.0; 6],
            fan: [0.0; 6],
        }
    }
}

/// The 21 sensors of C-MAPSS.
///
/// Measured on the published training files: means of the first 30 cycles and of the last 6, by regime, of FD002
/// (compressor) and of the units of FD004 whose bypass ratio falls (fan); noise within units early in life.
pub(super) const SENSORS: [SimulatedSensor; 21] = [
    SimulatedSensor::constant(2, [518.67, 489.05, 491.19, 462.54, 449.44, 445.0]),
    SimulatedSensor {
        decimals: 2,
        noise: 0.3,
        base: [642.345, 604.613, 607.294, 536.689, 555.535, 549.451],
        compressor: [1.288, 1.201, 1.095, 0.691, 1.053, 1.021],
        fan: [1.222, 1.182, 0.983, 0.761, 0.747, 0.676],
    },
    SimulatedSensor {
        decimals: 2,
        noise: 4.0,
        base: [1586.575, 1498.482, 1482.326, 1259.884, 1363.674, 1351.238],
        compressor: [14.954, 13.693, 13.726, 11.418, 12.684, 13.181],
        fan: [19.182, 18.411, 19.377, 13.479, 18.43, 19.252],
    },
    SimulatedSensor {
        decimals: 2,
        noise: 4.0,
        base: [1402.277, 1305.483, 1248.006, 1045.894, 1126.462, 1122.645],
        compressor: [26.039, 23.709, 21.607, 18.145, 20.04, 21.159],
        fan: [28.091, 26.426, 26.31, 15.567, 25.003, 28.285],
    },
    SimulatedSensor::constant(2, [14.62, 10.52, 9.35, 7.05, 5.48, 3.91]),
    SimulatedSensor {
        decimals: 2,
        noise: 0.0025,
        base: [21.609, 15.49, 13.654, 9.026, 8.0, 5.714],
        compressor: [0.001, 0.01, 0.006, 0.004, 0.003, 0.005],
        fan: [-0.005, -0.001, -0.004, -0.005, -0.003, -0.003],
    },
    SimulatedSensor {
        decimals: 2,
        noise: 0.4,
        base: [553.991, 394.723, 334.845, 175.568, 194.624, 138.762],
        compressor: [-2.435, -1.708, -1.462, -0.622, -0.808, -0.509],
        fan: [13.962, 9.998, 9.123, 4.098, 5.635, 4.24],
    },
    SimulatedSensor {
        decimals: 2,
        noise: 0.03,
        base: [2388.059, 2318.89, 2323.939, 1915.335, 2222.943, 2211.9],
        compressor: [0.176, 0.284, 0.355, 0.324, 0.403, 0.265],
        fan: [0.567, 0.833, 0.936, 0.53, 0.824, 0.516],
    },
    SimulatedSensor {
        decimals: 2,
        noise: 4.1,
        base: [9055.136, 8777.844, 8722.46, 8009.465, 8349.2, 8320.322],
        compressor: [31.967, 29.57, 30.532, 23.605, 29.125, 30.262],
        fan: [69.497, 67.185, 64.866, 42.578, 64.666, 66.919],
    },
    SimulatedSensor {
        decimals: 2,
        noise: 0.0,
        base: [1.3, 1.26, 1.079, 0.94, 1.021, 1.02],
        compressor: [0.0, 0.0, -0.007, 0.0, 0.0, 0.002],
        fan: [0.015, 0.011, 0.021, 0.003, 0.027, 0.03],
    },
    SimulatedSensor {
        decimals: 2,
        noise: 0.1,
        base: [47.346, 45.306, 44.283, 36.652, 41.824, 41.984],
        compressor: [0.795, 0.737, 0.676, 0.586, 0.661, 0.697],
        fan: [0.982, 0.95, 0.918, 0.612, 0.861, 0.919],
    },
    SimulatedSensor {
        decimals: 2,
        noise: 0.3,
        base: [521.936, 371.787, 315.176, 164.708, 183.181, 130.649],
        compressor: [-2.137, -1.401, -1.24, -0.585, -0.644, -0.398],
        fan: [13.475, 9.566, 8.791, 4.027, 5.382, 4.036],
    },
    SimulatedSensor {
        decimals: 2,
        noise: 0.03,
        base: [2388.056, 2388.091, 2388.072, 2028.228, 2388.034, 2387.976],
        compressor: [0.175, 0.295, 0.36, 0.344, 0.432, 0.282],
        fan: [0.564, 0.858, 0.956, 0.569, 0.886, 0.554],
    },
    SimulatedSensor {
        decimals: 2,
        noise: 3.1,
        base: [8136.573, 8130.348, 8060.876, 7873.779, 8067.188, 8084.009],
        compressor: [20.469, 19.742, 21.071, 18.56, 20.187, 21.551],
        fan: [54.292, 53.423, 53.465, 36.312, 57.179, 59.584],
    },
    SimulatedSensor {
        decimals: 4,
        noise: 0.02,
        base: [8.4169, 8.6386, 9.206, 10.8826, 9.3065, 9.3531],
        compressor: [0.1011, 0.1047, 0.1079, 0.123, 0.1046, 0.0936],
        fan: [-0.1535, -0.1518, -0.1782, -0.1888, -0.2088, -0.2357],
    },
    SimulatedSensor::constant(2, [0.03, 0.03, 0.02, 0.02, 0.02, 0.02]),
    SimulatedSensor {
        decimals: 0,
        noise: 0.9,
        base: [392.267, 368.774, 364.447, 306.636, 333.401, 330.189],
        compressor: [3.944, 3.739, 3.768, 2.936, 3.414, 3.428],
        fan: [5.194, 4.939, 4.866, 3.262, 4.721, 5.035],
    },
    SimulatedSensor::constant(0, [2388.0, 2319.0, 2324.0, 1915.0, 2223.0, 2212.0]),
    SimulatedSensor::constant(2, [100.0, 100.0, 100.0, 84.93, 100.0, 100.0]),
    SimulatedSensor {
        decimals: 2,
        noise: 0.1,
        base: [38.941, 28.606, 24.526, 14.301, 14.873, 10.618],
        compressor: [-0.476, -0.328, -0.285, -0.161, -0.167, -0.127],
        fan: [0.571, 0.419, 0.413, 0.244, 0.264, 0.21],
    },
    SimulatedSensor {
        decimals: 4,
        noise: 0.06,
        base: [23.3589, 17.1636, 14.7119, 8.5813, 8.9248, 6.3684],
        compressor: [-0.2801, -0.2011, -0.1746, -0.0991, -0.1022, -0.0755],
        fan: [0.3454, 0.2655, 0.2546, 0.1311, 0.1625, 0.125],
    },
];
