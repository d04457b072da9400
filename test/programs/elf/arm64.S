/* arm64: mapping symbols, stubs, and a signal trampoline behind a function. */
  .text
  .globl caller
  .type caller, %function
caller:                      /* 0x00 … 0x10 */
  bl imported
  bl second_import
  .word 0                    /* data in code: the assembler adds $d and $x */
  ret
  .size caller, 16
  .globl label
label:                       /* 0x10 … 0x20, without a size */
  nop
  .word 0
  nop
  ret
  .globl last
  .type last, %function
last:                        /* 0x20 … 0x24 */
  ret
  .size last, 4
                             /* 0x24: mov x8, #139; svc #0 */
  mov x8, #139
  svc #0
  .section .note.GNU-stack, "", %progbits
