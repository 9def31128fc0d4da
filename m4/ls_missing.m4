# Collects what configure misses, so that one run names everything, with the Debian packages that hold it.

AC_DEFUN([LS_MISSING_START], [
  ls_missing=""
  ls_missing_packages=""
])

# LS_MISSING(WHAT, DEBIAN-PACKAGE)
AC_DEFUN([LS_MISSING], [
  ls_missing="$ls_missing
    $1 (Debian: $2)"
  ls_missing_packages="$ls_missing_packages $2"
])

# LS_CHECK_MODULE(PREFIX, PKG-CONFIG-MODULE, DEBIAN-PACKAGE)
AC_DEFUN([LS_CHECK_MODULE], [
  PKG_CHECK_MODULES([$1], [$2], [ls_modules="$ls_modules $2"], [LS_MISSING([$2], [$3])])
])

# LS_CHECK_LIBRARY(PREFIX, LIBRARY, FUNCTION, DEBIAN-PACKAGE) for libraries without a pkg-config file.
AC_DEFUN([LS_CHECK_LIBRARY], [
  AC_CHECK_LIB([$2], [$3], [$1_LIBS="-l$2"], [LS_MISSING([lib$2], [$4])])
  AC_SUBST([$1_LIBS])
])

AC_DEFUN([LS_MISSING_END], [
  AC_SUBST([LOCKSTEP_MODULES], ["$ls_modules"])
  AS_IF([test -n "$ls_missing"], [
    AC_MSG_ERROR([these are missing:$ls_missing
  scripts/setup installs all of them on Debian.])
  ])
])
