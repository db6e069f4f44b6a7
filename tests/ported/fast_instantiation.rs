//! Settings for many short-lived instances.

use kinglet::{Config, Engine, InstanceAllocationStrategy, Linker, Module, PoolingAllocationConfig, Result, Store};

pub fn main() -> Result<()> {
    let mut config = Config::new();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(100);
    pool.max_memory_size(1 << 31);
    pool.total_tables(100);
    pool.table_elements(5000);
    pool.total_core_instances(100);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config.memory_init_cow(true);
    let engine = Engine::new(&config)?;

    let module = Module::from_file(&engine, "ported/memory.wat")?;
    let linker = Linker::new(&engine);
    let instance_pre = linker.instantiate_pre(&module)?;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let mut store = Store::new(&engine, ());
                    let instance = instance_pre.instantiate(&mut store).unwrap();
                    let load = instance.get_typed_func::<i32, i32>(&mut store, "load").unwrap();
                    assert_eq!(load.call(&mut store, 0x1001).unwrap(), 2);
                }
            });
        }
    });
    Ok(())
}
