;; The callee of a tail call may be a host function, directly or through a table.

(module
  (import "spectest" "print_i32" (func $print (param i32)))
  (type $print (func (param i32)))
  (table funcref (elem $print))
  (func (export "direct") (return_call $print (i32.const 1)))
  (func (export "indirect") (return_call_indirect (type $print) (i32.const 2) (i32.const 0)))
  (func $count (export "count") (param $n i32)
    (if (i32.eqz (local.get $n)) (then (return_call $print (i32.const 3))))
    (return_call $count (i32.sub (local.get $n) (i32.const 1)))))

(assert_return (invoke "direct"))
(assert_return (invoke "indirect"))
(assert_return (invoke "count" (i32.const 100000)))
