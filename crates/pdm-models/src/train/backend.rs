use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// What computes the fit of a network.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The CPU, with this program's own layers; the fastest there, and in every build.
    #[default]
    Flex,
    /// The CPU by burn's older ndarray backend; needs a build with `--features ndarray`.
    Ndarray,
    /// An NVIDIA GPU; needs a build with `--features cuda`.
    Cuda,
    /// Any GPU, by WebGPU; needs a build with `--features wgpu`.
    Wgpu,
}

impl Backend {
    /// Returns what is wrong where this build has no such backend.
    pub(super) fn problem(self) -> Option<Problem> {
        let (feature, built) = match self {
            Self::Flex => return None,
            Self::Ndarray => ("ndarray", cfg!(feature = "ndarray")),
            Self::Cuda => ("cuda", cfg!(feature = "cuda")),
            Self::Wgpu => ("wgpu", cfg!(feature = "wgpu")),
        };
        let message = format!("this program was built without `{feature}`");
        let problem = Problem::new("backend", message).with_code(Code::BackendNotBuilt);
        let problem = problem.hint(format!("build it with `--features {feature}`, or use flex"));
        (!built).then_some(problem)
    }

    /// Returns the device on which a graph of burn operations computes the fit; `None` where plain layers do.
    pub(super) fn graph_device(self) -> Option<Device> {
        match self {
            Self::Flex => None,
            #[cfg(not(feature = "ndarray"))]
            Self::Ndarray => None,
            #[cfg(not(feature = "cuda"))]
            Self::Cuda => None,
            #[cfg(not(feature = "wgpu"))]
            Self::Wgpu => None,
            #[cfg(feature = "ndarray")]
            // Deprecated upstream; the feature exists for those who ask for it all the same.
            #[allow(deprecated)]
            Self::Ndarray => Some(Device::ndarray()),
            #[cfg(feature = "cuda")]
            Self::Cuda => Some(Device::cuda(0)),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Some(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        }
    }
}
