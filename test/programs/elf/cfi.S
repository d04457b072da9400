/* Call frame information by an assembler. Every instruction is one byte, so offsets are what they say. */
  .text
  .globl pushes
  .type pushes, @function
pushes:                      /* 0x00 … 0x10 */
  .cfi_startproc
  nop
  .cfi_adjust_cfa_offset 8
  .cfi_offset rbp, -16
  nop
  .cfi_def_cfa_register rbp
  .skip 6, 0x90
  .cfi_remember_state
  .cfi_def_cfa rsp, 8
  nop
  .cfi_restore_state
  .skip 7, 0x90
  .cfi_endproc
  .type aligns, @function
aligns:                      /* 0x10 … 0x20: as GCC aligns a stack */
  .cfi_startproc
  .skip 4, 0x90
  .cfi_def_cfa r10, 0
  .skip 4, 0x90
  .cfi_escape 0x10, 0x06, 0x02, 0x76, 0x00
  .cfi_escape 0x0f, 0x03, 0x76, 0x78, 0x06
  .skip 8, 0x90
  .cfi_endproc
  .type stubs, @function
stubs:                       /* 0x20 … 0x30: as a linker describes its stubs */
  .cfi_startproc
  .cfi_escape 0x0f, 0x0b, 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22
  .skip 16, 0x90
  .cfi_endproc
  .skip 8, 0x90              /* 0x30 … 0x38: nothing is known */
  .type outermost, @function
outermost:                   /* 0x38 … 0x40 */
  .cfi_startproc
  .cfi_undefined rip
  .skip 8, 0x90
  .cfi_endproc
  .type handler_return, @function
handler_return:              /* 0x40 … 0x50 */
  .cfi_startproc
  .cfi_signal_frame
  .cfi_def_cfa rsp, 160
  .skip 16, 0x90
  .cfi_endproc
  .section .note.GNU-stack, "", @progbits
