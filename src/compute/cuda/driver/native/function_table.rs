//! A macro for tables of functions of a library.

/// Makes a struct with a field for each function and its name, and its constructor from a library: `Err` with the name of a function that the
/// library lacks.
macro_rules! function_table {
    ($table:ident { $($field:ident: fn($($argument:ty),* $(,)?) = $symbol:literal;)* }) => {
        struct $table {
            $($field: (&'static str, unsafe extern "C" fn($($argument),*) -> std::ffi::c_int),)*
        }

        impl $table {
            /// # Safety
            ///
            /// The library's functions of these names have these arguments and return an `int` or an enum of its size. The library
            /// is never unloaded.
            unsafe fn of(library: &libloading::Library) -> Result<Self, &'static str> {
                Ok(Self {
                    $(
                        // SAFETY: as the caller promises.
                        $field: ($symbol, *unsafe { library.get(concat!($symbol, "\0").as_bytes()) }.map_err(|_| $symbol)?),
                    )*
                })
            }
        }
    };
}

pub(super) use function_table;
