//! The two shapes an A2A object can have on the wire: an object of fields, and a oneof.
//!
//! The rules that they carry out are in [`protojson`](super::protojson).

/// Reads and writes a struct as an object: `field: "jsonName"`, with `required` after the name of
/// a field that is written even at its default. The name of the Rust field is the name in the
/// `.proto` file, which is accepted too.
macro_rules! object {
    ($name:ident { $($field:ident : $json:literal $($required:ident)?),* $(,)? }) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $($crate::a2a::macros::object!(@write map, self.$field, $json $(, $required)?);)*
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[allow(non_camel_case_types, reason = "variants are named after the fields")]
                enum Key { $($field,)* Unknown_ }

                impl<'de> serde::Deserialize<'de> for Key {
                    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                        struct V;
                        impl serde::de::Visitor<'_> for V {
                            type Value = Key;

                            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                                f.write_str("a field name")
                            }

                            #[allow(unreachable_patterns, reason = "`id` is `id` in both spellings")]
                            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                                Ok(match name {
                                    $($json | stringify!($field) => Key::$field,)*
                                    _ => Key::Unknown_,
                                })
                            }
                        }
                        d.deserialize_identifier(V)
                    }
                }

                struct V;
                impl<'de> serde::de::Visitor<'de> for V {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a ", stringify!($name), " object"))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        use $crate::a2a::protojson::{Read, inside};
                        $(let mut $field = None;)*
                        while let Some(key) = map.next_key()? {
                            match key {
                                $(Key::$field => {
                                    if $field.is_some() {
                                        return Err(<A::Error as serde::de::Error>::duplicate_field($json));
                                    }
                                    let value = map.next_value_seed(Read::new());
                                    $field = Some(value.map_err(|e| inside($json, e))?);
                                })*
                                Key::Unknown_ => {
                                    map.next_value::<serde::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok($name { $($field: $field.unwrap_or_default(),)* })
                    }
                }
                deserializer.deserialize_map(V)
            }
        }

        impl $crate::a2a::protojson::Field for $name {
            fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <Option<Self> as serde::Deserialize>::deserialize(deserializer)
                    .map(Option::unwrap_or_default)
            }

            fn is_unset(&self) -> bool {
                false
            }
        }
    };
    (@write $map:ident, $self:ident.$field:ident, $json:literal, required) => {
        $map.serialize_entry($json, &$self.$field)?
    };
    (@write $map:ident, $self:ident.$field:ident, $json:literal) => {
        if !$crate::a2a::protojson::Field::is_unset(&$self.$field) {
            $map.serialize_entry($json, &$self.$field)?;
        }
    };
}

/// Reads and writes an enum as an object with exactly one of its members:
/// `Variant(field: "jsonName")`. With `else Variant` an object that has none of them is that
/// variant, else it is an error.
macro_rules! oneof {
    ($name:ident { $($variant:ident($field:ident : $json:literal)),* $(,)? } $(else $none:ident)?) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                match self {
                    $(Self::$variant(value) => map.serialize_entry($json, value)?,)*
                    $(Self::$none => {})?
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct V;
                impl<'de> serde::de::Visitor<'de> for V {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a ", stringify!($name), " object"))
                    }

                    #[allow(unreachable_patterns, reason = "`task` is `task` in both spellings")]
                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        use $crate::a2a::protojson::inside;
                        const ONE: &str = concat!("exactly one of" $(, " `", $json, "`")*, " must be set");
                        let mut found = None;
                        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
                            let member = match key.as_ref() {
                                $($json | stringify!($field) => map
                                    .next_value::<Option<_>>()
                                    .map_err(|e| inside($json, e))?
                                    .map($name::$variant),)*
                                _ => {
                                    map.next_value::<serde::de::IgnoredAny>()?;
                                    None
                                }
                            };
                            if found.is_some() && member.is_some() {
                                return Err(serde::de::Error::custom(ONE));
                            }
                            found = found.or(member);
                        }
                        $(let found = found.or(Some($name::$none));)?
                        found.ok_or_else(|| serde::de::Error::custom(ONE))
                    }
                }
                deserializer.deserialize_map(V)
            }
        }
    };
}

pub(crate) use {object, oneof};
