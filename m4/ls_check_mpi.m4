# LS_CHECK_MPI: the flags of MPI's compiler wrapper, for use with any compiler.
#
# MPICC names the wrapper (mpicc; mpicc.mpich and mpicc.openmpi where Debian has both). Only its flags are
# taken, so that CC stays free: gcc and clang work with every MPI. Sets MPI_CFLAGS, MPI_LIBS, MPI_NAME
# ("Open MPI", "MPICH", "MPI") and MPIRUN, the launcher that belongs to it.
AC_DEFUN([LS_CHECK_MPI], [
  AC_ARG_VAR([MPICC], [compiler wrapper of MPI whose flags are used, default mpicc])
  AC_ARG_VAR([MPIRUN], [command that starts MPI programs, default the one that belongs to MPICC])
  AC_ARG_VAR([MPI_CFLAGS], [compiler flags for MPI, default from MPICC])
  AC_ARG_VAR([MPI_LIBS], [linker flags for MPI, default from MPICC])
  AC_CHECK_PROGS([MPICC], [mpicc mpicc.openmpi mpicc.mpich])
  MPI_NAME=MPI

  AS_IF([test -n "$MPICC"], [
    # The first word of the answer is the compiler.
    set dummy `$MPICC -show 2>/dev/null`
    shift
    test $[#] -gt 0 && shift
    ls_mpi_cflags=""
    ls_mpi_libs=""
    for ls_word
    do
      AS_CASE([$ls_word],
        [-I*|-D*], [ls_mpi_cflags="$ls_mpi_cflags $ls_word"],
        [-L*|-l*|-Wl,*], [ls_mpi_libs="$ls_mpi_libs $ls_word"],
        [-pthread], [ls_mpi_cflags="$ls_mpi_cflags $ls_word"; ls_mpi_libs="$ls_mpi_libs $ls_word"])
    done
    : ${MPI_CFLAGS="$ls_mpi_cflags"}
    : ${MPI_LIBS="$ls_mpi_libs"}
  ])

  ls_saved_cflags=$CFLAGS
  ls_saved_libs=$LIBS
  CFLAGS="$CFLAGS $MPI_CFLAGS"
  LIBS="$MPI_LIBS $LIBS"
  AC_MSG_CHECKING([for MPI])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <mpi.h>]], [[MPI_Init(0, 0);]])],
    [ls_have_mpi=yes], [ls_have_mpi=no])
  AS_IF([test "$ls_have_mpi" = yes], [
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[#include <mpi.h>
#ifndef OPEN_MPI
#error another
#endif]])], [MPI_NAME="Open MPI"])
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[#include <mpi.h>
#ifndef MPICH_VERSION
#error another
#endif]])], [MPI_NAME=MPICH])
    AC_MSG_RESULT([$MPI_NAME: $MPI_CFLAGS $MPI_LIBS])
  ], [
    AC_MSG_RESULT([no])
    LS_MISSING([MPI], [libopenmpi-dev and openmpi-bin, or libmpich-dev and mpich])
  ])
  CFLAGS=$ls_saved_cflags
  LIBS=$ls_saved_libs

  AS_IF([test -z "$MPIRUN"], [
    AS_CASE([$MPI_NAME],
      [MPICH], [
        AC_CHECK_PROGS([MPIRUN], [mpiexec.hydra mpiexec.mpich mpiexec])
        AS_CASE([$MPIRUN], [mpiexec.hydra], [MPIRUN="mpiexec.hydra -launcher fork"])
      ],
      ["Open MPI"], [AC_CHECK_PROGS([MPIRUN], [mpirun.openmpi mpirun mpiexec])],
      [AC_CHECK_PROGS([MPIRUN], [mpirun mpiexec])])
  ])
  AC_SUBST([MPI_NAME])
])
