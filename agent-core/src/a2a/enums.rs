//! How enums are read and written.

/// Writes an enum by the name it has in the `.proto` file, and reads it by name or by number
/// (ProtoJSON). `null` is the value with the number 0, which every enum has for "not set".
macro_rules! names {
    ($name:ident { $($variant:ident = $number:literal, $text:literal;)* }) => {
        impl $name {
            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The number in the `.proto` file.
            pub const fn number(self) -> i32 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            /// The value that is called `name` on the wire.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The value that has `number` in the `.proto` file.
            pub const fn from_number(number: i64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        /// The name on the wire.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::{Error, Unexpected};
                struct V;
                impl serde::de::Visitor<'_> for V {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a ", stringify!($name), ": one of" $(, " ", $text)*))
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        $name::from_name(text)
                            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
                    }

                    fn visit_i64<E: Error>(self, n: i64) -> Result<$name, E> {
                        $name::from_number(n)
                            .ok_or_else(|| E::invalid_value(Unexpected::Signed(n), &self))
                    }

                    fn visit_u64<E: Error>(self, n: u64) -> Result<$name, E> {
                        i64::try_from(n)
                            .ok()
                            .and_then($name::from_number)
                            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(n), &self))
                    }
                }
                deserializer.deserialize_any(V)
            }
        }

        impl $crate::a2a::protojson::Field for $name {
            fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <Option<Self> as serde::Deserialize>::deserialize(deserializer)
                    .map(Option::unwrap_or_default)
            }

            fn is_unset(&self) -> bool {
                *self == Self::default()
            }
        }
    };
}

pub(crate) use names;
