export { default } from '../../provider-docker/test/global-setup.ts';
