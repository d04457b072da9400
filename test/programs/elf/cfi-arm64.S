/* arm64: a signed return address, a frame record, and what the kernel's vdso has for signal handlers to return to. */
  .text
  .globl signs
  .type signs, %function
signs:                       /* 0x00 … 0x1c */
  .cfi_startproc
  .cfi_b_key_frame
  hint #27                   /* pacibsp */
  .cfi_negate_ra_state
  stp x29, x30, [sp, #-32]!
  .cfi_def_cfa_offset 32
  .cfi_offset x29, -32
  .cfi_offset x30, -24
  mov x29, sp
  .cfi_def_cfa x29, 32
  nop
  ldp x29, x30, [sp], #32
  .cfi_def_cfa sp, 0
  .cfi_restore x29
  .cfi_restore x30
  hint #31                   /* autibsp */
  .cfi_negate_ra_state
  ret
  .cfi_endproc
  .size signs, 28
  .skip 4
  nop                        /* 0x20: handlers return behind it */
  mov x8, #139
  svc #0                     /* … 0x2c */
  .type described, %function
described:                   /* 0x2c … 0x34 */
  .cfi_startproc
  mov x8, #139
  svc #0
  .cfi_endproc
  .section .note.GNU-stack, "", %progbits
