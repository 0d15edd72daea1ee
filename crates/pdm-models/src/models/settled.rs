//! Model options that follow from the data: the distance between the steps of a network.

use super::kind::Class;
use super::neural::{HistoryReading, stretched_stride};
use super::{
    CnnOptions, GruOptions, LstmOptions, ModelOptions, StackOptions, TcnOptions, TransformerOptions,
};
use pdm_core::domain::FromData;

impl ModelOptions {
    /// Returns these options with numbers for all `auto` values, with times stretched by this factor.
    #[must_use]
    pub fn settled(&self, time_scale: f64) -> Self {
        let found = |asked: FromData<usize>| FromData::Set(asked.or(stretched_stride(time_scale)));
        match self {
            Self::Linear(_) | Self::Gbdt(_) => self.clone(),
            Self::Gru(options) => Self::Gru(GruOptions {
                stride: found(options.stride),
                ..options.clone()
            }),
            Self::Lstm(options) => Self::Lstm(LstmOptions {
                stride: found(options.stride),
                ..options.clone()
            }),
            Self::Cnn(options) => Self::Cnn(CnnOptions {
                stride: found(options.stride),
                ..options.clone()
            }),
            Self::Tcn(options) => Self::Tcn(TcnOptions {
                stride: found(options.stride),
                ..options.clone()
            }),
            Self::Transformer(options) => Self::Transformer(TransformerOptions {
                stride: found(options.stride),
                ..options.clone()
            }),
            Self::Stack(options) => {
                let member = options
                    .member
                    .iter()
                    .map(|member| member.settled(time_scale))
                    .collect();
                Self::Stack(StackOptions { member })
            }
        }
    }

    /// Returns the cycles from one step to the next if they are `auto`; `None` for other families, or if they are set.
    pub fn found_stride(&self, time_scale: f64) -> Option<usize> {
        (self.settled(time_scale) != *self).then(|| stretched_stride(time_scale))
    }

    /// Returns the maximum number of last rows of a history that a fit reads; `None` if it reads all.
    pub fn longest_read(&self) -> Option<usize> {
        match self.class() {
            Class::Linear(_) | Class::Gbdt(_) => None,
            Class::Neural(options) => match options.reading() {
                HistoryReading::Sequence { stride, max_steps } => Some(stride * max_steps),
                HistoryReading::Window { .. } => None,
            },
            Class::Stack(options) => options.member.iter().filter_map(Self::longest_read).min(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::GbdtOptions;

    #[test]
    fn steps_are_as_far_apart_as_the_lives_are_long() {
        let read = |time_scale| {
            ModelOptions::Gru(GruOptions::default())
                .settled(time_scale)
                .longest_read()
        };
        assert_eq!(
            [1.0, 16.0, 0.0625].map(read),
            [Some(4 * 136), Some(64 * 136), Some(136)]
        );
        let set = ModelOptions::Gru(GruOptions {
            stride: FromData::Set(3),
            ..Default::default()
        });
        assert_eq!(
            (set.settled(16.0), set.found_stride(16.0)),
            (set.clone(), None)
        );
        assert_eq!(
            ModelOptions::Gru(GruOptions::default()).found_stride(16.0),
            Some(64)
        );
    }

    #[test]
    fn members_of_a_stack_are_settled_each() {
        let member = vec![
            ModelOptions::Gbdt(GbdtOptions::default()),
            ModelOptions::Cnn(CnnOptions::default()),
            ModelOptions::Tcn(TcnOptions::default()),
        ];
        let stack = ModelOptions::Stack(StackOptions {
            member: member.clone(),
        });
        let expected = member.iter().map(|member| member.settled(2.0)).collect();
        assert_eq!(
            stack.settled(2.0),
            ModelOptions::Stack(StackOptions { member: expected })
        );
        assert_eq!(
            (stack.settled(2.0).longest_read(), member[1].longest_read()),
            (Some(8 * 136), None)
        );
    }
}
