// The live widget's module: anywidget calls `render` for every display of the model.
import type { AnyModel, Render } from '@anywidget/types';
import { mountLinked } from './link';
import { readOptions } from './options';

interface Model {
  trace: unknown;
  options: unknown;
}

const render: Render<Model> = ({ model, el }) => {
  let view = open(model, el);
  const update = () => view.update(model.get('trace'));
  const reopen = () => {
    view.dispose();
    view = open(model, el);
  };
  model.on('change:trace', update);
  model.on('change:options', reopen);
  return () => {
    model.off('change:trace', update);
    model.off('change:options', reopen);
    view.dispose();
  };
};

function open(model: AnyModel<Model>, el: HTMLElement) {
  return mountLinked(el, model.get('trace'), readOptions(model.get('options')));
}

export default { render };
