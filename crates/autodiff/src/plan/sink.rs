//! Steps are put off until their results are read, where that frees more memory than it keeps.

use std::collections::BTreeSet;

use super::fuse::Group;
use super::worklist::{Home, Worklist};

/// Moves groups to right before the first one that reads them: the gradient of a loss in the middle of a
/// network is computed when the gradient from above arrives there, and not held until then.
pub(crate) fn sink(list: &Worklist, groups: Vec<Group>, later: &[Group]) -> Vec<Group> {
    let bytes = |value: usize| match list.values[value].home {
        Home::Computed => list.values[value].len * list.values[value].dtype.size(),
        _ => 0,
    };
    let mut readers = vec![Vec::new(); list.values.len()];
    for (index, group) in groups.iter().chain(later).enumerate() {
        let views = group.units.iter().flat_map(|&unit| &list.units[unit].reads);
        views.for_each(|view| readers[view.value].push(index));
    }
    let end = groups.len();
    list.assigned.iter().for_each(|assigned| readers[assigned.value.value].push(end));
    let mut order: Vec<usize> = (0..end).collect();
    // Where each group stands; those that come later stand at the end.
    let mut place: Vec<usize> = (0..=end + later.len()).map(|index| index.min(end)).collect();
    for index in (0..end).rev() {
        let units = || groups[index].units.iter().map(|&unit| &list.units[unit]);
        let others = |value: usize| readers[value].iter().filter(move |&&reader| reader != index);
        let first = units().flat_map(|unit| others(unit.value)).map(|&reader| place[reader]).min();
        let (here, Some(first)) = (place[index], first) else { continue };
        let freed: usize = units().map(|unit| bytes(unit.value)).sum();
        let reads = units().flat_map(|unit| &unit.reads).map(|view| view.value);
        let read: BTreeSet<usize> = reads.collect();
        let dies = |value: &usize| others(*value).all(|&reader| place[reader] < first);
        if read.into_iter().filter(dies).map(bytes).sum::<usize>() < freed {
            order[here..first].rotate_left(1);
            (here..first).for_each(|at| place[order[at]] = at);
        }
    }
    let mut groups: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    order.into_iter().filter_map(|index| groups[index].take()).collect()
}

#[cfg(test)]
mod tests {
    use crate::{Conv2d, ConvMethod, DType, Graph};

    #[test]
    fn the_gradient_of_a_loss_in_the_middle_waits_for_the_one_from_above() {
        let [stride, padding, dilation] = [[1; 2]; 3];
        let form = Conv2d { stride, padding, dilation, groups: 1, method: ConvMethod::Fastest };
        let bytes = |middle: bool| {
            let graph = Graph::new(DType::F32);
            let image = graph.input("image", &[1, 16, 32, 32]);
            let filters = graph.input("filters", &[16, 16, 3, 3]);
            let (mut layers, mut top) = (Vec::new(), image);
            for _ in 0..8 {
                top = top.conv2d_relu(filters, None, form).unwrap();
                layers.push(top);
            }
            let mut loss = top.square().sum_all();
            for layer in layers.into_iter().filter(|_| middle) {
                let gram = layer.reshape(&[16, 1024]).unwrap().gram().unwrap();
                loss = loss.add(gram.square().sum_all()).unwrap();
            }
            let gradient = graph.grad(loss, &[image]).unwrap()[0];
            graph.compile(&[gradient]).unwrap().peak_bytes()
        };
        let (alone, both) = (bytes(false), bytes(true));
        // Of eight gradients no more than two are there at a time.
        assert!(both < alone + 2 * 65_536, "{alone} bytes, and {both} with losses in the middle");
    }
}
